"""Bodies on the line: zstd, gzip or as they are, never larger than agreed.

Invariants:
  * Reading stops at the cap, whatever a header promised, so memory stays flat under any bomb.
  * The signature's digest is checked on the encoded bytes, between `read_encoded` and `decompress`.
  * One body is one frame: nothing before, between or after.
"""

import zlib
from collections.abc import Callable

import zstandard

from sync_protocol.problems import Malformed, TooLarge

ENCODED_BYTES_MAX = 1024 * 1024
DECODED_BYTES_MAX = 8 * 1024 * 1024
IDENTITY_BELOW_BYTES = 1024
ENCODINGS = ("zstd", "gzip", "identity")

_CHUNK_BYTES = 64 * 1024
_GZIP_WBITS = 31  # a gzip header and nothing else
_LEVEL = 1


def read_encoded(
    read: Callable[[int], bytes], declared_bytes: int | None = None, bytes_max: int = ENCODED_BYTES_MAX
) -> bytes:
    """Read a body to its end, or refuse it as soon as it is too long or shorter than declared.

    read  like file.read: returns at most that many bytes, and none at the end
    """
    if declared_bytes is not None and declared_bytes > bytes_max:
        raise TooLarge(f"a body of {declared_bytes} bytes; at most {bytes_max} are taken")
    body = bytearray()
    while chunk := read(min(_CHUNK_BYTES, bytes_max + 1 - len(body))):
        body += chunk
        if len(body) > bytes_max:
            raise TooLarge(f"a body of more than {bytes_max} bytes")
    if declared_bytes is not None and declared_bytes != len(body):
        raise Malformed(f"the body ended after {len(body)} of {declared_bytes} bytes")
    return bytes(body)


def decompress(body: bytes, encoding: str, bytes_max: int = DECODED_BYTES_MAX) -> bytes:
    """The message inside an encoded body. Raises TooLarge, and Malformed for a broken or unknown encoding."""
    if encoding == "zstd":
        return _unzstd(body, bytes_max)
    if encoding == "gzip":
        return _gunzip(body, bytes_max)
    if encoding != "identity":
        raise Malformed("the content encoding must be zstd, gzip or identity")
    if len(body) > bytes_max:
        raise TooLarge(f"a message of more than {bytes_max} bytes")
    return body


def compress(message: bytes, encoding: str = "zstd") -> tuple[str, bytes]:
    """The encoding to name and the bytes to send; small messages, and those that would grow, go as they are.

    encoding  what the other side is known to read: zstd or gzip
    """
    if len(message) < IDENTITY_BELOW_BYTES:
        return "identity", message
    if encoding == "gzip":
        body = zlib.compress(message, _LEVEL, _GZIP_WBITS)
    else:
        body = zstandard.ZstdCompressor(level=_LEVEL).compress(message)
    return (encoding, body) if len(body) < len(message) else ("identity", message)


def _unzstd(body: bytes, bytes_max: int) -> bytes:
    """One frame that declares its size; the library then writes at most that much, whatever the frame holds."""
    try:
        declared_bytes = zstandard.frame_content_size(body)
        if declared_bytes < 0:
            raise Malformed("a zstd frame must declare its size")
        if declared_bytes > bytes_max:
            raise TooLarge(f"a message of {declared_bytes} bytes; at most {bytes_max} are taken")
        return zstandard.ZstdDecompressor(max_window_size=bytes_max).decompress(body, allow_extra_data=False)
    except zstandard.ZstdError:
        raise Malformed("the body is not one whole zstd frame") from None


def _gunzip(body: bytes, bytes_max: int) -> bytes:
    inflater = zlib.decompressobj(_GZIP_WBITS)
    try:
        message = inflater.decompress(body, bytes_max + 1)
    except zlib.error:
        raise Malformed("the body is not gzip") from None
    if len(message) > bytes_max:
        raise TooLarge(f"a message of more than {bytes_max} bytes")
    if not inflater.eof or inflater.unused_data:
        raise Malformed("the body is not one whole gzip member")
    return message

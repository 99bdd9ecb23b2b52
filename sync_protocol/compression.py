"""Bodies on the line: zstd, gzip or as they are, never larger than agreed.

Since protocol 2 both sides know the words that messages are made of (`words.v2.txt`): small bodies then carry little
more than their ids. A file of words is never edited once released; better words get a file and a name of their own.

Invariants:
  * Reading stops at the cap, whatever a header promised, so memory stays flat under any bomb.
  * The signature's digest is checked on the encoded bytes, between `read_encoded` and `decompress`.
  * One body is one frame: nothing before, between or after.
"""

import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path

import zstandard

from sync_protocol.problems import Malformed, TooLarge

ENCODED_BYTES_MAX = 1024 * 1024
DECODED_BYTES_MAX = 8 * 1024 * 1024
IDENTITY_BELOW_BYTES = 1024
WORDS = "zstd-words2"  # zstd with the words of protocol 2 known beforehand
WORDS_BELOW_BYTES = 16 * 1024  # a larger message brings its own words, and is in a hurry
ENCODINGS = ("zstd", WORDS, "gzip", "identity")

_CHUNK_BYTES = 64 * 1024
_GZIP_WBITS = 31  # a gzip header and nothing else
_LEVEL = 1
_WORDS_LEVEL = 9
_WORDS_FILE = Path(__file__).with_name("words.v2.txt")


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
        return _unzstd(body, bytes_max, None)
    if encoding == WORDS:
        return _unzstd(body, bytes_max, known_words())
    if encoding == "gzip":
        return _gunzip(body, bytes_max)
    if encoding != "identity":
        raise Malformed(f"the content encoding must be one of {', '.join(ENCODINGS)}")
    if len(body) > bytes_max:
        raise TooLarge(f"a message of more than {bytes_max} bytes")
    return body


def compress(message: bytes, encoding: str = "zstd") -> tuple[str, bytes]:
    """The encoding to name and the bytes to send; small messages, and those that would grow, go as they are.

    encoding  what the other side is known to read: zstd, zstd with words, or gzip
    """
    if encoding == WORDS and len(message) >= WORDS_BELOW_BYTES:
        encoding = "zstd"
    if encoding == WORDS:
        compressor = zstandard.ZstdCompressor(level=_WORDS_LEVEL, dict_data=known_words(), write_dict_id=False)
        body = compressor.compress(message)
    elif len(message) < IDENTITY_BELOW_BYTES:
        return "identity", message
    elif encoding == "gzip":
        body = zlib.compress(message, _LEVEL, _GZIP_WBITS)
    else:
        body = zstandard.ZstdCompressor(level=_LEVEL).compress(message)
    return (encoding, body) if len(body) < len(message) else ("identity", message)


@cache
def known_words() -> zstandard.ZstdCompressionDict:
    """What a small body may refer to: messages without their ids, one a line, the most common one last."""
    words = _WORDS_FILE.read_bytes().replace(b"\n", b"")
    return zstandard.ZstdCompressionDict(words, dict_type=zstandard.DICT_TYPE_RAWCONTENT)


def _unzstd(body: bytes, bytes_max: int, words: zstandard.ZstdCompressionDict | None) -> bytes:
    """One frame that declares its size; the library then writes at most that much, whatever the frame holds."""
    try:
        declared_bytes = zstandard.frame_content_size(body)
        if declared_bytes < 0:
            raise Malformed("a zstd frame must declare its size")
        if declared_bytes > bytes_max:
            raise TooLarge(f"a message of {declared_bytes} bytes; at most {bytes_max} are taken")
        inflater = zstandard.ZstdDecompressor(dict_data=words, max_window_size=bytes_max)
        return inflater.decompress(body, allow_extra_data=False)
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

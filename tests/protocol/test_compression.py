"""Bodies: what fits comes through, what would not is refused while memory stays flat."""

import gzip
import io
import subprocess
import sys
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from sync_protocol import compression
from sync_protocol.compression import (
    DECODED_BYTES_MAX,
    ENCODED_BYTES_MAX,
    IDENTITY_BELOW_BYTES,
    WORDS,
    compress,
    decompress,
    read_encoded,
)
from sync_protocol.problems import Malformed, TooLarge

MESSAGE = b'{"rows":[1,2,3]}' * 200
WORDS_FILE = Path(compression.__file__).with_name("words.v2.txt")
WORDS_HASH = "a4e3717dbf3e312ad1144fd99c3a3baba367df3a72c5d415867e9d184030f8d1"
PACKED_WITH_WORDS = (
    "28b52ffd20d3550100d06230303735653166353336353734393231367465737473227d7d04100a43f3040cda44ef23f93d2f08"
)
QUESTION = (
    b'{"clock":{"boot":"b0075e1f","mono":1000,"offset":77,"wall":1795365749216},"have":{"cursor":20,"epoch":"",'
    b'"streams":{"t":[19,""]}},"health":{"oldest_unsent_at":null,"outbox":0,"quarantined":0,"software":"tests"}}'
)


@given(st.binary(max_size=3000), st.sampled_from(["zstd", WORDS, "gzip"]))
def test_what_is_packed_is_unpacked(message, encoding):
    assert decompress(compress(message, encoding)[1], compress(message, encoding)[0]) == message


def test_small_messages_go_as_they_are():
    small = MESSAGE[: IDENTITY_BELOW_BYTES - 1]
    assert compress(small) == ("identity", small)
    assert compress(MESSAGE)[0] == "zstd"
    assert compress(MESSAGE, "gzip")[0] == "gzip"
    assert len(compress(MESSAGE)[1]) < len(MESSAGE) // 10


def test_the_known_words_are_those_of_the_release():
    """A file of words that was released is never edited: what one side packed with it, no other text unpacks."""
    assert sha256(WORDS_FILE.read_bytes()).hexdigest() == WORDS_HASH
    packed = bytes.fromhex(PACKED_WITH_WORDS)
    assert decompress(packed, WORDS) == QUESTION
    assert len(compress(QUESTION, WORDS)[1]) < len(QUESTION) // 3


def test_small_messages_are_packed_with_words_and_large_ones_without():
    assert compress(QUESTION, WORDS)[0] == WORDS
    assert compress(QUESTION * 100, WORDS)[0] == "zstd"


@pytest.mark.parametrize("read_as", ["zstd", "gzip", WORDS])
def test_words_are_no_secret_way_around_the_encoding_that_was_named(read_as):
    """What was packed one way is malformed, never another message, when it is read another way."""
    for encoding in {"zstd", "gzip", WORDS} - {read_as}:
        message = MESSAGE + QUESTION
        with suppress(Malformed):
            assert decompress(compress(message, encoding)[1], read_as) == message


@pytest.mark.parametrize("encoding", ["zstd", "gzip"])
def test_what_would_grow_goes_as_it_is(encoding):
    noise = b"".join(sha256(bytes([n])).digest() for n in range(100))
    assert compress(noise, encoding) == ("identity", noise)


@pytest.mark.parametrize("encoding", ["", "br", "deflate", "ZSTD", "zstd, gzip", "x-gzip"])
def test_other_encodings_are_malformed(encoding):
    with pytest.raises(Malformed):
        decompress(MESSAGE, encoding)


@pytest.mark.parametrize("encoding", ["zstd", "gzip"])
@pytest.mark.parametrize(
    "damage",
    [
        lambda body: b"",
        lambda body: body[:-1],
        lambda body: body[: len(body) // 2],
        lambda body: body + b"\0",
        lambda body: body + body,
        lambda body: b"\0" + body,
        lambda body: bytes([body[0] ^ 255]) + body[1:],
        lambda body: MESSAGE,
    ],
)
def test_broken_bodies_are_refused(encoding, damage):
    body = compress(MESSAGE, encoding)[1]
    with pytest.raises((Malformed, TooLarge)):
        decompress(damage(body), encoding)


def test_a_frame_declares_its_size():
    writer = zstandard.ZstdCompressor().compressobj()
    with pytest.raises(Malformed):
        decompress(writer.compress(MESSAGE) + writer.flush(), "zstd")


@pytest.mark.parametrize("encoding", ["zstd", "gzip", "identity"])
def test_a_message_may_be_as_long_as_the_limit_and_no_longer(encoding):
    full = b" " * DECODED_BYTES_MAX
    assert decompress(pack(full, encoding), encoding) == full
    with pytest.raises(TooLarge):
        decompress(pack(full + b" ", encoding), encoding)


def pack(message, encoding):
    if encoding == "identity":
        return message
    return zstandard.compress(message) if encoding == "zstd" else gzip.compress(message)


def test_a_frame_that_lies_about_its_size_is_refused():
    honest = zstandard.ZstdCompressor().compress(b"x" * 300_000)
    assert honest[4] >> 6 == 2  # the size is written in the four bytes after the descriptor and the window
    lying = honest.replace((300_000).to_bytes(4, "little"), (1_000).to_bytes(4, "little"))
    assert lying != honest
    with pytest.raises(Malformed):
        decompress(lying, "zstd")


BOMB = """
import resource, sys, zlib, zstandard
from sync_protocol.compression import decompress
from sync_protocol.problems import ProtocolError

size = 512 * 1024 * 1024
if sys.argv[1] == "zstd":
    packer = zstandard.ZstdCompressor().compressobj(size=size)
else:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(512)) + packer.flush()
assert len(bomb) < 1 << 20
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for _ in range(5):
    try:
        decompress(bomb, sys.argv[1])
    except ProtocolError as refusal:
        print(refusal.code)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.parametrize("encoding", ["zstd", "gzip"])
def test_a_bomb_is_refused_with_flat_memory(encoding):
    done = subprocess.run(
        [sys.executable, "-c", BOMB, encoding], capture_output=True, text=True, timeout=60, check=True
    )
    *codes, grown_kb = done.stdout.split()
    assert codes == ["too_large"] * 5
    assert int(grown_kb) < 20 * 1024


class Dripping(io.BytesIO):
    """Gives one byte at a time, and counts how many were taken."""

    taken = 0

    def read(self, size=-1):
        assert size > 0
        self.taken += 1
        return super().read(1)


def test_reading_stops_at_the_cap():
    endless = Dripping(b"x" * 10_000)
    with pytest.raises(TooLarge):
        read_encoded(endless.read, bytes_max=100)
    assert endless.taken == 101


def test_a_declared_size_is_refused_before_reading():
    body = Dripping(b"x")
    with pytest.raises(TooLarge):
        read_encoded(body.read, declared_bytes=ENCODED_BYTES_MAX + 1)
    assert body.taken == 0


def test_a_torn_body_is_no_message():
    for wrong in (0, 2, 4):
        with pytest.raises(Malformed):
            read_encoded(io.BytesIO(b"abc").read, declared_bytes=wrong)
    assert read_encoded(io.BytesIO(b"abc").read, declared_bytes=3) == b"abc"
    assert read_encoded(io.BytesIO(b"").read) == b""
    full = bytes(ENCODED_BYTES_MAX)
    assert read_encoded(io.BytesIO(full).read, declared_bytes=len(full)) == full

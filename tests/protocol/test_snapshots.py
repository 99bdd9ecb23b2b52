"""Snapshots on the line: chunks are told by their hash, and nothing that is no chunk is read."""

import pytest
import zstandard

from sync_protocol.canonical import canonical
from sync_protocol.messages import decode
from sync_protocol.problems import InvalidEnvelope, Malformed, TooLarge
from sync_protocol.snapshots import CHUNK_BYTES, Manifest, fingerprint, open_chunk, pack
from tests.protocol.samples import id_of
from tests.protocol.write_examples import FOLDER, SNAPSHOT_CHUNK

PRODUCT = ["product", "i", ["id", "name"], [[id_of("product"), "Charger"]]]
LACKED = ["product", "u", ["id", "brand"], [[id_of("product"), "Anker"]]]


def test_what_was_packed_is_read_again():
    chunk = pack([canonical(PRODUCT), canonical(LACKED)])
    assert open_chunk(chunk) == [PRODUCT, LACKED]
    assert fingerprint(chunk) == fingerprint(pack([canonical(PRODUCT), canonical(LACKED)]))


def test_the_chunk_of_the_example_is_the_one_its_manifest_names():
    manifest = decode(Manifest, (FOLDER / "snapshot_manifest.v2.json").read_bytes())
    assert manifest.chunks == [(fingerprint(SNAPSHOT_CHUNK), len(SNAPSHOT_CHUNK), 1)]
    assert open_chunk(SNAPSHOT_CHUNK)


@pytest.mark.parametrize(
    "value", [{}, [["product", "x", ["id"], [[id_of("product")]]]], [["product", "i", ["id"], []]]]
)
def test_what_is_no_list_of_blocks_is_refused(value):
    with pytest.raises((Malformed, InvalidEnvelope)):
        open_chunk(zstandard.compress(canonical(value)))


def test_a_cut_chunk_is_refused():
    with pytest.raises(Malformed):
        open_chunk(SNAPSHOT_CHUNK[:-1])


def test_a_bomb_is_refused_before_it_is_unpacked():
    with pytest.raises(TooLarge):
        open_chunk(zstandard.compress(b" " * (CHUNK_BYTES * 40)))

"""The chain: fixed vectors, because hashes written today must verify for ever."""

from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from sync_protocol import chain
from tests.protocol.samples import ORIGIN, OTHER_ORIGIN

EMPTY = sha256(b"").hexdigest()


def test_the_chain_begins_with_its_origin():
    origin = "019a8c00-0000-7000-8000-000000000001"
    assert chain.genesis(origin) == "defaba2bed48afd468aadb5429e32ae8721f7d882a609c728472efe90f436adb"
    assert chain.genesis(ORIGIN) != chain.genesis(OTHER_ORIGIN)


def test_a_link_covers_all_before_it():
    start = "00" * 32
    assert chain.link(start, b'{"n":1}') == sha256(bytes(32) + b'{"n":1}').hexdigest()
    assert chain.links(start, [b"a", b"b"]) == [
        chain.link(start, b"a"),
        chain.link(chain.link(start, b"a"), b"b"),
    ]
    assert chain.links(start, []) == []


@given(st.lists(st.binary(min_size=1, max_size=5), min_size=2, max_size=6, unique=True), st.data())
def test_every_change_to_history_changes_the_head(entries, data):
    head = chain.links(EMPTY, entries)[-1]
    at = data.draw(st.integers(0, len(entries) - 1))
    changed = [*entries[:at], entries[at] + b"!", *entries[at + 1 :]]
    removed = entries[:at] + entries[at + 1 :]
    swapped = entries[::-1]
    for other in (changed, removed, swapped):
        assert chain.links(EMPTY, other)[-1] != head


def test_the_code_on_paper_is_eight_plain_characters():
    assert chain.short_code("00" * 32) == "00000000"
    assert chain.short_code("ff" * 32) == "ZZZZZZZZ"
    assert chain.short_code("0123456789" + "0" * 54) == "04HMASW9"
    assert chain.short_code(EMPTY) == "WERC8GMR"
    for letter in "ILOU":
        assert letter not in "".join(chain.short_code(sha256(bytes([n])).hexdigest()) for n in range(200))


def test_signed_texts_have_words_of_their_own():
    head = chain.head_message("o", 7, EMPTY)
    assert head == b"phoneshop/v1/head\0o\x007\0" + EMPTY.encode()
    page = chain.page_message("e", "n", 1, 2, [EMPTY])
    assert page == (b'phoneshop/v1/page\0{"epoch":"e","from":1,"lines":["' + EMPTY.encode() + b'"],"node":"n","to":2}')

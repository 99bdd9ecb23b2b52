"""Entries: how rows become blocks and come back, and which shapes are refused."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_protocol.canonical import INT_MAX, canonical, parse_canonical
from sync_protocol.entries import (
    Row,
    blocks_of,
    count_rows,
    make_blocks,
    make_entry,
    rows_of,
    sealed_bytes,
)
from sync_protocol.problems import InvalidEnvelope, Malformed, ProtocolError, TooLarge
from sync_protocol.shape import (
    BLOCKS_MAX,
    COLUMNS_MAX,
    ENTRY_BYTES_MAX,
    check_entry,
    check_header,
    check_line,
    is_stream,
)
from tests.protocol.samples import ORIGIN, SHOP, customer_entry, header, id_of, line_of, sale_entry, sale_rows


def test_rows_come_back_as_they_went_in():
    entry, _ = sale_entry(1)
    assert list(rows_of(entry)) == sale_rows(1)
    assert count_rows(entry) == 4


def test_names_are_written_once_for_rows_alike():
    one, two, other = ({"a": 1, "b": n} for n in range(3))
    rows = [
        Row("sale", "i", id_of("1"), one),
        Row("line", "i", id_of("2"), one),
        Row("sale", "i", id_of("3"), two),
        Row("sale", "u", id_of("1"), {"a": [1, 2]}),
        Row("sale", "i", id_of("4"), {"b": 1}),
        Row("line", "i", id_of("5"), other),
    ]
    assert make_blocks(rows) == [
        ["sale", "i", ["id", "a", "b"], [[id_of("1"), 1, 0], [id_of("3"), 1, 1]]],
        ["line", "i", ["id", "a", "b"], [[id_of("2"), 1, 0], [id_of("5"), 1, 2]]],
        ["sale", "u", ["id", "a"], [[id_of("1"), [1, 2]]]],
        ["sale", "i", ["id", "b"], [[id_of("4"), 1]]],
    ]


ROWS = st.lists(
    st.builds(
        Row,
        st.sampled_from(["sale", "payment"]),
        st.just("i"),
        st.integers(0, 10**6).map(lambda n: id_of(str(n))),
        st.dictionaries(st.sampled_from("abc"), st.none() | st.integers(0, 9) | st.text("xy")),
    ),
    max_size=12,
)


@given(ROWS)
def test_no_row_is_lost_in_blocks(rows):
    entry = {"rows": make_blocks(rows)}
    assert sorted(rows_of(entry), key=str) == sorted(rows, key=str)
    assert count_rows(entry) == len(rows)


def test_absent_fields_are_left_out_and_the_actor_is_not():
    entry, stored = make_entry(sale_rows(1), **header(1, actor=None, shop=None, ip=None, offset=None))
    assert entry["actor"] is None
    assert not {"shop", "ip", "offset", "approver", "personal"} & set(entry)
    assert stored == canonical(entry)


def test_stored_bytes_are_those_the_hub_will_hash():
    entry, stored = customer_entry(2)
    arrived = parse_canonical(canonical(entry))
    assert sealed_bytes(arrived) == stored


def test_personal_values_are_read_where_they_belong():
    entry, _ = customer_entry(2)
    assert next(rows_of(entry)).values["name"] == "Nakato Grace"
    assert blocks_of(entry)[0][3][0][1] == "Nakato Grace"
    assert entry["rows"][0][3][0][1].startswith("~")


def changed(**fields):
    """A good entry with some fields replaced; `...` removes one."""
    entry = {**sale_entry(1)[0], **fields}
    return {key: value for key, value in entry.items() if value is not ...}


@pytest.mark.parametrize(
    "entry",
    [
        changed(),
        changed(actor=None),
        changed(approver=id_of("x"), subject=["sale", id_of("x")], offset=-1),
        changed(shop=..., ip=..., ua=..., subject=..., offset=...),
        changed(rows=[]),
        changed(unknown={"kept": [1]}, zz=1),
        changed(at=-1),
        changed(ua="x" * 8_000),
        changed(rows=[["sale", "u", ["id", "a", "b"], [[SHOP, [None, 1], ["x", "y", 0]]]]]),
        changed(rows=[["setting", "i", ["id", "value"], [[SHOP, {"any": ["json"]}]]]]),
        changed(rows=[["sale", "i", ["id"], [[SHOP]]]]),
    ],
)
def test_good_shapes_pass(entry):
    check_entry(entry)
    check_entry(entry, sealed_bytes(entry))


REQUIRED = ("n", "id", "action", "actor", "at", "boot", "mono", "schema", "seen", "rows")


@pytest.mark.parametrize("key", REQUIRED)
def test_an_entry_names_what_it_lacks(key):
    with pytest.raises(InvalidEnvelope, match=f"lacks {key}$"):
        check_header(changed(**{key: ...}))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *((key, value) for key in REQUIRED for value in (True, "", {})),
        *((key, None) for key in REQUIRED if key != "actor"),
        ("n", 0),
        ("schema", 0),
        ("seen", -1),
        ("mono", -1),
        ("id", id_of("x").upper()),
        ("id", "{" + id_of("x") + "}"),
        ("action", "sales"),
        ("action", "Sales.sell"),
        ("action", "sales.sell\n"),
        ("boot", "5EED0001"),
        ("actor", "Asha"),
        ("approver", None),
        ("shop", None),
        ("offset", "1"),
        ("ip", 5),
        ("ua", None),
        ("subject", ["sale"]),
        ("subject", ["Sale!", id_of("x")]),
        ("subject", ["sale", "x"]),
    ],
)
def test_an_entry_names_what_is_wrong_and_does_not_repeat_it(key, value):
    with pytest.raises(InvalidEnvelope) as refusal:
        check_header(changed(**{key: value}))
    assert refusal.value.detail == f"an entry has a wrong {key}"


@pytest.mark.parametrize("entry", [None, [], "x", 1])
def test_an_entry_is_an_object(entry):
    with pytest.raises(InvalidEnvelope):
        check_entry(entry)


GOOD_ROW = [SHOP, 1]


@pytest.mark.parametrize(
    "block",
    [
        None,
        {},
        [],
        ["sale", "i", ["id", "a"]],
        ["sale", "i", ["id", "a"], [GOOD_ROW], 1],
        ["Sale", "i", ["id", "a"], [GOOD_ROW]],
        ["", "i", ["id", "a"], [GOOD_ROW]],
        [1, "i", ["id", "a"], [GOOD_ROW]],
        ["sale", "d", ["id", "a"], [GOOD_ROW]],
        ["sale", ["i"], ["id", "a"], [GOOD_ROW]],
        ["sale", "i", [], []],
        ["sale", "i", {"id": 1}, [GOOD_ROW]],
        ["sale", "i", ["a", "id"], [GOOD_ROW]],
        ["sale", "i", ["id", "a", "a"], [[SHOP, 1, 2]]],
        ["sale", "i", ["id", 1], [GOOD_ROW]],
        ["sale", "i", ["id", ["a"]], [GOOD_ROW]],
        ["sale", "i", ["id", "a;drop"], [GOOD_ROW]],
        ["sale", "i", ["id", "a" * 64], [GOOD_ROW]],
        ["sale", "i", ["id", *(f"c{n}" for n in range(COLUMNS_MAX))], [[SHOP, *range(COLUMNS_MAX)]]],
        ["sale", "i", ["id", "a"], []],
        ["sale", "i", ["id", "a"], {}],
        ["sale", "i", ["id", "a"], [{"id": SHOP, "a": 1}]],
        ["sale", "i", ["id", "a"], [[SHOP]]],
        ["sale", "i", ["id", "a"], [[SHOP, 1, 2]]],
        ["sale", "i", ["id", "a"], [GOOD_ROW, ["x", 1]]],
        ["sale", "i", ["id", "a"], [GOOD_ROW, [None, 1]]],
        ["sale", "u", ["id", "a"], [GOOD_ROW]],
        ["sale", "u", ["id", "a"], [[SHOP, [1]]]],
        ["sale", "u", ["id", "a"], [[SHOP, [1, 2, 3, 4]]]],
        ["sale", "u", ["id", "a"], [[SHOP, [1, 2, None]]]],
        ["sale", "u", ["id", "a"], [[SHOP, [1, 2, True]]]],
        ["sale", "u", ["id", "a"], [[SHOP, [1, 2, -1]]]],
    ],
)
def test_wrong_blocks_are_refused(block):
    with pytest.raises(InvalidEnvelope):
        check_entry(changed(rows=[block]))


def test_blocks_are_counted():
    with pytest.raises(InvalidEnvelope):
        check_entry(changed(rows=[["sale", "i", ["id", "a"], [GOOD_ROW]]] * (BLOCKS_MAX + 1)))


def test_an_entry_is_refused_when_it_is_written_too_large():
    def notes(size):
        return [Row("sale", "i", id_of("1"), {"notes": "x" * size})]

    _, stored = make_entry(notes(1), **header(1))
    room = ENTRY_BYTES_MAX - len(stored) - 10
    make_entry(notes(room), **header(1))
    with pytest.raises(TooLarge):
        make_entry(notes(room + 20), **header(1))


def test_personal_values_count_in_the_size_of_an_entry():
    entry, stored = customer_entry(2)
    marker, (salt, _) = entry["personal"].popitem()
    entry["personal"] = {marker: [salt, "x" * ENTRY_BYTES_MAX]}
    for sealed in (None, stored):
        with pytest.raises(ProtocolError):
            check_entry(entry, sealed)


def test_a_false_reveal_is_refused():
    entry, _ = customer_entry(2)
    marker, (salt, _) = entry["personal"].popitem()
    entry["personal"] = {marker: [salt, "Somebody Else"]}
    with pytest.raises(Malformed):
        check_entry(entry)


def test_lines_have_a_shape_too():
    whole = line_of(sale_entry(1)[0])
    check_line(whole)
    check_line({**whole, "rows": [["sale", "u", ["id", "a"], [[SHOP, 5]]]]})
    check_line({**whole, "unknown": 1})
    brief = {key: whole[key] for key in ("no", "prev", "stream", "origin", "n")}
    check_line(brief)
    for wrong in (
        {**whole, "no": 0},
        {**whole, "prev": -1},
        {**whole, "stream": "x"},
        {**whole, "origin": "x"},
        {**whole, "actor": ""},
        {**whole, "rows": None},
        {**whole, "rows": [["sale", "i", ["id"], []]]},
        {key: value for key, value in whole.items() if key != "action"},
        {key: value for key, value in brief.items() if key != "n"},
        [],
    ):
        with pytest.raises(InvalidEnvelope):
            check_line(wrong)


@pytest.mark.parametrize(
    ("name", "right"),
    [("t", True), (f"s:{ORIGIN}", True), ("s:", False), ("s:t", False), ("T", False), (None, False), (1, False)],
)
def test_streams_have_names(name, right):
    assert is_stream(name) is right


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-INT_MAX, INT_MAX) | st.text(), lambda inner: st.lists(inner), max_leaves=30
)


@given(JSON)
def test_no_shape_crashes_the_judge(rows):
    with contextlib.suppress(ProtocolError):
        check_entry(changed(rows=rows))

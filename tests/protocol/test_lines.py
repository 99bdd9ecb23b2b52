"""Feed lines: the node that wrote an entry can make the hub's line of it, and notices every hole."""

import pytest

from sync_protocol.canonical import canonical
from sync_protocol.chain import link, stream_genesis
from sync_protocol.entries import Row, make_entry, sealed_bytes
from sync_protocol.lines import (
    TENANT_STREAM,
    BrokenLink,
    brief_line,
    check_links,
    line_hash,
    make_line,
    outcome_blocks,
    shop_stream,
)
from sync_protocol.shape import check_line
from tests.protocol.samples import ORIGIN, OTHER_ORIGIN, SHOP, customer_entry, header, id_of, line_of, sale_entry

OTHER_SHOP = id_of("other shop")


def test_an_update_travels_as_the_value_that_stands():
    entry, _ = customer_entry(2)
    product = outcome_blocks(entry["rows"])[1]
    assert product == ["product", "u", ["id", "price_minor"], [[id_of("product"), 33_000]]]


def test_a_line_holds_the_rows_of_its_stream_alone():
    rows = [Row("stock_unit", "u", id_of(name), {"shop_id": [SHOP, OTHER_SHOP]}) for name in ("1", "2")]
    entry, _ = make_entry([*rows, Row("product", "i", id_of("3"), {"name": "Cable"})], **header(1))

    units = outcome_blocks(entry["rows"], lambda entity, row_id: row_id == id_of("2"))
    products = outcome_blocks(entry["rows"], lambda entity, row_id: entity == "product")

    assert units == [["stock_unit", "u", ["id", "shop_id"], [[id_of("2"), OTHER_SHOP]]]]
    assert products == [["product", "i", ["id", "name"], [[id_of("3"), "Cable"]]]]


def test_personal_values_of_another_stream_stay_behind():
    entry, _ = customer_entry(2)
    customers = outcome_blocks(entry["rows"], lambda entity, row_id: entity == "customer")
    products = outcome_blocks(entry["rows"], lambda entity, row_id: entity == "product")
    assert b"Nakato" in canonical(make_line(entry, ORIGIN, 9, 8, TENANT_STREAM, customers))
    assert "personal" not in make_line(entry, ORIGIN, 9, 8, TENANT_STREAM, products)


def test_a_value_before_a_change_does_not_travel_on():
    entry, _ = customer_entry(2)
    (marker,) = entry["personal"]
    entry["rows"][0] = ["customer", "u", ["id", "name"], [[id_of("customer"), [marker, None]]]]
    assert "personal" not in line_of(entry)


def test_erasing_a_value_leaves_the_hash_of_its_line():
    line = line_of(customer_entry(2)[0])
    erased = {key: value for key, value in line.items() if key != "personal"}
    assert line_hash(line) == line_hash(erased) == link(stream_genesis(line["stream"]), sealed_bytes(line))


def test_the_hash_of_a_line_vouches_for_all_lines_before_it():
    first, second = line_of(customer_entry(2)[0]), line_of(customer_entry(3)[0])
    other = {**first, "action": "customers.erase"}
    assert line_hash(second, line_hash(first)) != line_hash(second, line_hash(other))
    assert line_hash(first) == line_hash(first, stream_genesis(first["stream"]))


def test_the_writer_can_make_the_whole_line_from_its_place():
    entry, _ = sale_entry(1)
    at_hub = make_line(entry, ORIGIN, 43, 40, shop_stream(SHOP), outcome_blocks(entry["rows"]))
    sent = brief_line(at_hub)
    assert len(canonical(sent)) < 180

    check_line(sent)
    at_node = make_line(entry, sent["origin"], sent["no"], sent["prev"], sent["stream"], outcome_blocks(entry["rows"]))

    assert line_hash(at_node) == line_hash(at_hub)


def links(*places, last=None, cursor=0):
    """Check lines at these (stream, prev, no)."""
    lines = [{"no": no, "prev": prev, "stream": stream, "origin": OTHER_ORIGIN, "n": 1} for stream, prev, no in places]
    return check_links(last or {}, lines, cursor)


S = shop_stream(SHOP)


def test_each_stream_has_its_own_links():
    assert links(("t", 0, 1), (S, 0, 1), (S, 1, 4), ("t", 1, 7)) == {"t": 7, S: 4}
    assert links((S, 4, 9), last={"t": 7, S: 4}, cursor=7) == {"t": 7, S: 9}
    assert links(last={"t": 7}, cursor=7) == {"t": 7}


@pytest.mark.parametrize(
    "places",
    [
        [("t", 1, 3)],  # line 1 is missing
        [("t", 0, 1), ("t", 2, 3)],
        [("t", 0, 1), ("t", 0, 1)],  # twice
        [("t", 0, 5), (S, 0, 4)],  # out of feed order
        [("t", 5, 5)],
    ],
)
def test_a_hole_stops_the_reader(places):
    with pytest.raises(BrokenLink, match="stream"):
        links(*places, last={"t": 5} if places == [("t", 5, 5)] else None)


def test_lines_before_the_cursor_are_not_applied_again():
    with pytest.raises(BrokenLink):
        links((S, 0, 6), last={"t": 7}, cursor=7)

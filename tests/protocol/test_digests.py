"""Digests: what is equal has equal sums, whatever the order, and what differs shows in its own bucket."""

from hypothesis import given
from hypothesis import strategies as st

from sync_protocol.digests import BUCKETS, Fold, bucket_of, compared_columns
from tests.protocol.samples import id_of

VALUES = st.one_of(st.none(), st.booleans(), st.integers(-(2**53) + 1, 2**53 - 1), st.text(max_size=20))
ROWS = st.lists(st.tuples(st.uuids().map(str), VALUES, VALUES), max_size=30, unique_by=lambda row: row[0])


def fold(rows):
    made = Fold()
    for row in rows:
        made.add(row)
    return made


@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(rows, chance):
    mixed = list(rows)
    chance.shuffle(mixed)
    assert fold(mixed).total == fold(rows).total
    assert fold(mixed).buckets == fold(rows).buckets


@given(ROWS.filter(bool), VALUES)
def test_one_changed_value_shows_in_the_total_and_in_its_bucket_alone(rows, value):
    row_id, before, other = rows[0]
    changed = [(row_id, value, other), *rows[1:]]
    same = (type(value), value) == (type(before), before)
    assert (fold(changed).total == fold(rows).total) is same
    assert fold(changed).differing(fold(rows).buckets) == ([] if same else [bucket_of(row_id)])


@given(ROWS.filter(bool))
def test_a_missing_row_shows(rows):
    assert fold(rows[1:]).total != fold(rows).total
    assert fold(rows[1:]).differing(fold(rows).buckets) == [bucket_of(rows[0][0])]


def test_truth_is_not_one():
    row = id_of("product")
    assert fold([(row, True)]).total != fold([(row, 1)]).total


def test_columns_are_compared_by_name_whatever_order_a_table_has_them_in():
    assert (
        compared_columns(("price", "id", "name"))
        == compared_columns(("id", "name", "price"))
        == ["id", "name", "price"]
    )


def test_every_id_has_a_bucket():
    assert {bucket_of(f"019a8c00-0000-7000-8000-0000000000{n:02x}") for n in range(BUCKETS)} == set(range(BUCKETS))


def test_the_sums_are_what_they_always_were():
    made = fold([(id_of("product"), "Charger", 35_000, True, None)])
    assert made.total == (1, "db8033c8218bc8f08029a0b0b821f71f")

"""What can be imported: each kind's own template can be read back, and every column it names is one it knows."""

from __future__ import annotations

import io

import pytest

from shopnode.domain.errors import NotFound, NotPermitted
from shopnode.domain.import_kinds import KINDS, PRODUCTS, find_kind
from shopnode.domain.importing import Account, tally
from shopnode.domain.permissions import ROLE_PERMISSIONS, Role
from shopnode.domain.sheets import LineResult, Verdict
from tests.shop import Shop


def as_csv(key: str) -> bytes:
    titles, rows = KINDS[key].template()
    return "\n".join(",".join(cells) for cells in [titles, *rows]).encode()


@pytest.fixture
def shop(counter: Shop) -> Shop:
    """A shop that knows what the templates name."""
    counter.do("products.create", name="iPhone 11 64", category="Used phones", price_minor=650_000, is_serialised=True)
    counter.do("price_lists.create", name="Wholesale")
    return counter


@pytest.mark.parametrize("key", sorted(KINDS))
def test_every_template_can_be_read_back_whole(key: str, shop: Shop) -> None:
    if key != "products":
        list(PRODUCTS.run(shop.ctx(), io.BytesIO(as_csv("products"))))

    results = list(KINDS[key].run(shop.ctx(), io.BytesIO(as_csv(key)), whole=True))

    assert set(tally(results)) <= {Verdict.NEW, Verdict.CHANGED, Verdict.UNCHANGED}, results
    assert len(results) == len(KINDS[key].examples)


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.key)
def test_every_column_a_template_names_is_explained_and_known(kind) -> None:  # type: ignore[no-untyped-def]
    assert kind.needed <= kind.words.keys() <= kind.columns.keys()
    for name in kind.words:
        assert kind.title_of(name).replace("_", " ") in kind.columns[name]


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.key)
def test_whoever_may_not_write_the_records_imports_none(kind, role: Role, shop: Shop) -> None:  # type: ignore[no-untyped-def]
    may = kind.needs <= ROLE_PERMISSIONS[role]
    assert kind.may(shop.ctx(role)) is may
    if not may:
        with pytest.raises(NotPermitted):
            list(kind.run(shop.ctx(role), io.BytesIO(as_csv(kind.key)), dry_run=True))


def test_an_account_counts_every_line_and_keeps_a_few_of_each_kind_wrong_ones_first() -> None:
    account = Account(3)
    for number in range(1, 100_001):
        account.add(LineResult(number, Verdict.WRONG if number % 50_000 == 0 else Verdict.NEW, "somebody"))

    assert (account.total, account.counts[Verdict.NEW], account.counts[Verdict.WRONG]) == (100_000, 99_998, 2)
    assert [line.line_no for line in account.lines()] == [50_000, 100_000, 1]


def test_what_is_no_kind_is_not_found() -> None:
    with pytest.raises(NotFound):
        find_kind("repairs")

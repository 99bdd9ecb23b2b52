"""Suppliers, and what is owed to them: bills, payments, credit notes, corrections, and how old a debt is."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopnode.domain.buying.models import Supplier, SupplierEntry
from shopnode.domain.buying.owed import balances, debts, owed_to, statement
from shopnode.domain.buying.queries import search_suppliers
from shopnode.domain.buying.rules import Owed, ages_of
from shopnode.domain.buying.suppliers import AlreadySupplier
from shopnode.domain.cash.errors import DrawerClosed
from shopnode.domain.cash.models import MoneyMove
from shopnode.domain.errors import Invalid, NotFound, NotPermitted, ShopError, WrongPlace
from shopnode.domain.permissions import Role
from shopnode.domain.sales.errors import ReferenceUsed
from tests.domain.till import Till, open_till
from tests.domain.trade import a_supplier, receive
from tests.shop import Shop

NOBODY = "0190a000-0000-7000-8000-00000000dead"
DAY_MS = 24 * 3600 * 1000


@pytest.fixture
def till(shop: Shop) -> Till:
    return open_till(shop)


def test_a_supplier_is_kept_at_either_home(anywhere: Shop) -> None:
    made = a_supplier(anywhere, phone="0772 123 456", contact="Mr. Lee")
    anywhere.do("suppliers.update", supplier_id=made, terms_days=30, contact="")

    row = anywhere.row(Supplier, made)
    assert (row.phone, row.contact, row.terms_days, row.lead_days) == ("+256772123456", None, 30, 3)
    assert anywhere.changes("supplier")[-1].fields.keys() == {"terms_days", "contact"}
    with pytest.raises(AlreadySupplier, match="Kampala Mobile"):
        a_supplier(anywhere, name="kampala mobile WHOLESALE")
    with pytest.raises(Invalid):
        anywhere.do("suppliers.update", supplier_id=made, name=None)


def test_a_supplier_is_archived_and_put_back(anywhere: Shop) -> None:
    made = a_supplier(anywhere)
    other = a_supplier(anywhere, name="Simba Telecom", phone="0701000222")
    anywhere.do("suppliers.archive", supplier_id=made)
    with anywhere.reading() as ctx:
        assert [row.id for row in search_suppliers(ctx.session).rows] == [other]
        assert [row.id for row in search_suppliers(ctx.session, archived=True).rows] == [made]
        assert [row.id for row in search_suppliers(ctx.session, "701000").rows] == [other]
        assert search_suppliers(ctx.session, "nobody").rows == []
    anywhere.do("suppliers.restore", supplier_id=made)
    with anywhere.reading() as ctx:
        first = search_suppliers(ctx.session, limit=1)
        rest = search_suppliers(ctx.session, limit=1, cursor=first.next_cursor)
        assert [row.id for row in first.rows + rest.rows] == [made, other]


@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.STAFF])
def test_only_the_owner_keeps_suppliers_and_pays_them(till: Till, role: Role) -> None:
    made = a_supplier(till.shop)
    with pytest.raises(NotPermitted):
        till.shop.do("suppliers.update", supplier_id=made, terms_days=90, role=role)
    with pytest.raises(NotPermitted):
        till.shop.do("suppliers.pay", supplier_id=made, method="cash", amount_minor=1, role=role)


def test_a_bill_is_due_after_the_suppliers_terms_and_is_paid_in_parts(till: Till) -> None:
    supplier = a_supplier(till.shop)
    receive(till, {"product_id": till.charger, "quantity": 4, "unit_cost_minor": 20_000}, supplier_id=supplier)
    paid = till.shop.do("suppliers.pay", supplier_id=supplier, method="cash", amount_minor=30_000)
    bank = {"supplier_id": supplier, "method": "bank", "amount_minor": 20_000, "reference": "tx 77"}
    till.shop.do("suppliers.pay", bank)

    assert paid["owed"] == 50_000
    bill, *payments = till.shop.rows(SupplierEntry)
    assert (bill.kind, bill.amount_minor, bill.due_on) == ("bill", 80_000, date(2026, 9, 21) + timedelta(days=14))
    moves = {row.id: row for row in till.shop.rows(MoneyMove)}
    assert [(moves[row.money_id or ""].kind, row.amount_minor) for row in payments] == [
        ("supplier", -30_000),
        ("supplier", -20_000),
    ]
    assert all(moves[row.money_id or ""].amount_minor == row.amount_minor for row in payments)
    with till.shop.reading() as ctx:
        assert owed_to(ctx, supplier) == 30_000
        assert balances(ctx, [supplier]) == {supplier: 30_000}
    with pytest.raises(ReferenceUsed):
        till.shop.do("suppliers.pay", bank)


def test_credit_notes_and_corrections_change_what_is_owed(till: Till) -> None:
    supplier = a_supplier(till.shop)
    till.shop.do("suppliers.correct_account", supplier_id=supplier, amount_minor=90_000, reason="from the old book")
    till.shop.do("suppliers.credit_note", supplier_id=supplier, amount_minor=15_000, reason="two were broken")
    done = till.shop.do("suppliers.take_refund", supplier_id=supplier, method="cash", amount_minor=5_000)
    assert done["owed"] == 80_000
    with pytest.raises(Invalid, match="must not be 0"):
        till.shop.do("suppliers.correct_account", supplier_id=supplier, amount_minor=0, reason="nothing")


def test_a_statement_runs_from_what_was_owed_to_what_is(till: Till) -> None:
    supplier = a_supplier(till.shop)
    till.shop.do("suppliers.correct_account", supplier_id=supplier, amount_minor=90_000, reason="from the old book")
    till.shop.clock.advance(2 * DAY_MS)
    till.shop.do("suppliers.credit_note", supplier_id=supplier, amount_minor=15_000, reason="two were broken")
    till.shop.clock.advance(1_000)
    till.shop.do("suppliers.pay", supplier_id=supplier, method="cash", amount_minor=25_000)
    with till.shop.reading() as ctx:
        told = statement(ctx, supplier, date(2026, 9, 22), date(2026, 9, 23))
        whole = statement(ctx, supplier)
    assert (told.opening_minor, told.closing_minor) == (90_000, 50_000)
    assert [(line.kind.value, line.balance_minor) for line in told.lines] == [
        ("credit_note", 75_000),
        ("payment", 50_000),
    ]
    assert (whole.opening_minor, len(whole.lines), whole.closing_minor) == (0, 3, 50_000)


def test_debts_are_listed_by_their_age(till: Till) -> None:
    old, new = a_supplier(till.shop), a_supplier(till.shop, name="Simba Telecom", terms_days=0)
    glass = {"product_id": till.glass, "quantity": 10, "unit_cost_minor": 1_000}
    receive(till, glass, supplier_id=old)
    till.shop.clock.advance(50 * DAY_MS)
    receive(till, glass, glass, supplier_id=new)
    till.shop.do("suppliers.pay", supplier_id=old, method="cash", amount_minor=4_000)
    with till.shop.reading() as ctx:
        listed = debts(ctx)
    assert [(debt.name, debt.owed_minor, debt.ages) for debt in listed] == [
        ("Simba Telecom", 20_000, (20_000, 0, 0, 0, 0)),
        ("Kampala Mobile Wholesale", 6_000, (0, 0, 6_000, 0, 0)),
    ]


def test_the_portal_sees_debts_and_books_none(anywhere: Shop) -> None:
    supplier = a_supplier(anywhere)
    if anywhere.home.is_shop:
        anywhere.do("suppliers.correct_account", supplier_id=supplier, amount_minor=5_000, reason="the old book")
        expected = [5_000]
    else:
        with pytest.raises(WrongPlace):
            anywhere.do("suppliers.correct_account", supplier_id=supplier, amount_minor=5_000, reason="the old book")
        expected = []
    with anywhere.reading() as ctx:
        assert [debt.owed_minor for debt in debts(ctx)] == expected
        assert statement(ctx, supplier).closing_minor == sum(expected)


@pytest.mark.parametrize(
    ("action", "form", "refusal"),
    [
        ("suppliers.pay", {"method": "cheque", "amount_minor": 5}, Invalid),
        ("suppliers.pay", {"method": "mtn", "amount_minor": 5}, Invalid),
        ("suppliers.pay", {"method": "cash", "amount_minor": 0}, Invalid),
        ("suppliers.pay", {"method": "cash", "amount_minor": 5, "supplier_id": NOBODY}, NotFound),
        ("suppliers.credit_note", {"amount_minor": 5}, Invalid),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(
    till: Till, action: str, form: dict[str, object], refusal: type[ShopError]
) -> None:
    supplier = a_supplier(till.shop)
    with pytest.raises(refusal):
        till.shop.do(action, {"supplier_id": supplier, **form})
    assert till.shop.rows(SupplierEntry) == []


def test_cash_for_a_supplier_comes_out_of_an_open_drawer(shop: Shop) -> None:
    supplier = a_supplier(shop)
    with pytest.raises(DrawerClosed):
        shop.do("suppliers.pay", supplier_id=supplier, method="cash", amount_minor=5)
    assert shop.rows(SupplierEntry) == []


@pytest.mark.parametrize(
    ("entries", "ages"),
    [
        ([(100, 0)], [100, 0, 0, 0, 0]),
        ([(100, -1)], [100, 0, 0, 0, 0]),
        ([(100, 1), (50, 30), (20, 31), (10, 90), (5, 91)], [0, 150, 20, 10, 5]),
        ([(100, 91), (50, 1), (-120, 0)], [0, 30, 0, 0, 0]),
        ([(100, 5), (-130, 0)], [-30, 0, 0, 0, 0]),
    ],
)
def test_payments_settle_what_is_due_first(entries: list[tuple[int, int]], ages: list[int]) -> None:
    today = date(2026, 9, 21)
    assert ages_of([Owed(amount, today - timedelta(days=days)) for amount, days in entries], today) == ages


@given(st.lists(st.tuples(st.integers(-1000, 1000), st.integers(-50, 200)), max_size=20))
def test_the_ages_of_a_debt_add_up_to_it(entries: list[tuple[int, int]]) -> None:
    today = date(2026, 9, 21)
    owed = [Owed(amount, today - timedelta(days=days)) for amount, days in entries]
    assert sum(ages_of(owed, today)) == sum(amount for amount, _ in entries)

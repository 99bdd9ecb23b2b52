"""What a customer owes and has: a ledger of entries, with a limit that blocks."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from shopnode.domain.accounts.ledger import TooLittle, balance_now, open_charges
from shopnode.domain.accounts.models import Account, AccountAllocation, AccountBalance, AccountEntry
from shopnode.domain.accounts.queries import balances, due_soon, entries_of, statement, who_owes
from shopnode.domain.accounts.unallocated import AlreadySettled, unallocated_money
from shopnode.domain.cash.models import MoneyMove
from shopnode.domain.cash.queries import drawer_figures, open_session_or_none
from shopnode.domain.customers.models import Customer
from shopnode.domain.errors import ApprovalNeeded, Invalid, NotPermitted
from shopnode.domain.permissions import Role
from shopnode.domain.sales.models import Payment
from tests.domain.till import FLOAT, Till, open_till
from tests.shop import Shop

DAY_MS = 86_400_000


@pytest.fixture
def till(shop: Shop) -> Till:
    return open_till(shop)


@pytest.fixture
def nakato(till: Till) -> str:
    """A customer with 30 days and a limit of 100,000."""
    made: str = till.shop.do("customers.create", name="Nakato Prossy", phone="0772 123 456")["id"]
    till.shop.do("accounts.set_credit", customer_id=made, credit_limit=100_000)
    return made


def on_account(amount: int) -> list[dict[str, Any]]:
    return [{"method": "on_account", "amount": amount}]


def lend(till: Till, who: str, glasses: int = 1, **more: Any) -> dict[str, Any]:
    """Sell glasses at 5,000 on account, a moment after what was before: what is older is paid first."""
    till.shop.clock.advance(1_000)
    item = {"product_id": till.glass, "quantity": glasses}
    return till.sell(item, pay=on_account(5_000 * glasses), customer_id=who, **more).result


def pay(till: Till, who: str, amount: int, **more: Any) -> dict[str, Any]:
    return till.shop.do("accounts.take_payment", **{"customer_id": who, "method": "cash", "amount": amount, **more})


def days_later(till: Till, days: int) -> None:
    """Another business day: the drawer is closed and opened again."""
    till.shop.do("cash.close_drawer", counted=0)
    till.shop.clock.advance(days * DAY_MS)
    till.shop.do("cash.open_drawer", opening_float=FLOAT)


def has(shop: Shop, who: str) -> tuple[int, int, int]:
    """What is owed, store credit and points, as the derived figures have it."""
    with shop.reading() as ctx:
        found = balances(ctx.session, who)
        summed = [balance_now(ctx.session, who, account) for account in Account]
    assert [found.owes_minor, found.store_credit_minor, found.points] == summed
    return found.owes_minor, found.store_credit_minor, found.points


def test_rule_36_a_sale_on_account_needs_its_customer(till: Till) -> None:
    with pytest.raises(Invalid) as refusal:
        till.sell(pay=on_account(5_000))
    assert set(refusal.value.fields) == {"customer_id"}


def test_rule_44_a_sale_on_account_is_a_charge_with_a_day(till: Till, nakato: str) -> None:
    sold = lend(till, nakato, 2)

    (entry,) = till.shop.rows(AccountEntry)
    assert (entry.account, entry.kind, entry.amount, entry.number) == ("credit", "charge", 10_000, sold["number"])
    assert entry.due_on == date(2026, 9, 21) + timedelta(days=30)
    assert has(till.shop, nakato) == (10_000, 0, 0)
    assert [change.fields["amount"] for change in till.shop.changes("account_entry")] == [10_000]


def test_rule_44_a_customers_own_days_come_before_the_settings(till: Till, nakato: str) -> None:
    till.shop.do("settings.change", key="credit_days", value=14)
    lend(till, nakato)
    till.shop.do("accounts.set_credit", customer_id=nakato, credit_limit=100_000, credit_days=0)
    lend(till, nakato)
    assert sorted(str(entry.due_on) for entry in till.shop.rows(AccountEntry)) == ["2026-09-21", "2026-10-05"]


def test_rule_44_the_limit_blocks_until_a_second_person_approves(till: Till, nakato: str) -> None:
    till.shop.do("accounts.set_credit", customer_id=nakato, credit_limit=9_999)
    lend(till, nakato)
    with pytest.raises(ApprovalNeeded, match="would owe 10,000, more than the limit of 9,999"):
        lend(till, nakato)
    assert has(till.shop, nakato) == (5_000, 0, 0)

    lend(till, nakato, approval=till.shop.approval_by(Role.SUPERVISOR))

    assert has(till.shop, nakato) == (10_000, 0, 0)
    assert till.shop.entries()[-1].action == "sales.sell"


def test_rule_44_without_a_limit_there_is_no_credit(till: Till) -> None:
    who = till.shop.do("customers.create", name="Okello")["id"]
    with pytest.raises(ApprovalNeeded, match="Okello has no credit agreed"):
        lend(till, who)


def test_rule_44_two_tenders_on_account_count_together(till: Till, nakato: str) -> None:
    till.shop.do("accounts.set_credit", customer_id=nakato, credit_limit=4_999)
    with pytest.raises(ApprovalNeeded):
        till.sell(pay=[*on_account(2_500), *on_account(2_500)], customer_id=nakato)


def test_rule_89_nobody_approves_their_own_credit(till: Till, nakato: str) -> None:
    till.shop.do("accounts.set_credit", customer_id=nakato)
    with pytest.raises(NotPermitted, match="Nobody approves their own"):
        lend(till, nakato, role=Role.SUPERVISOR, approval=till.shop.approval_by(Role.SUPERVISOR))


def test_rule_44_staff_do_not_set_limits(till: Till, nakato: str) -> None:
    for role in (Role.STAFF, Role.SUPERVISOR):
        with pytest.raises(NotPermitted):
            till.shop.do("accounts.set_credit", customer_id=nakato, credit_limit=10**9, role=role)


def test_rule_44_a_payment_pays_the_oldest_charge_first(till: Till, nakato: str) -> None:
    first = lend(till, nakato, 2)
    days_later(till, 1)
    second = lend(till, nakato, 1)

    done = pay(till, nakato, 12_000, role=Role.STAFF)

    assert (done["applied"], done["to_store_credit"], done["owes"]) == (12_000, 0, 3_000)
    with till.shop.reading() as ctx:
        (left,) = open_charges(ctx.session, nakato)
    entries = {entry.id: entry for entry in till.shop.rows(AccountEntry)}
    assert (entries[left.id].number, left.open_minor) == (second["number"], 3_000)
    parts = {entries[row.charge_id].number: row.amount_minor for row in till.shop.rows(AccountAllocation)}
    assert parts == {first["number"]: 10_000, second["number"]: 2_000}


def test_rule_44_a_payment_may_choose_what_it_pays(till: Till, nakato: str) -> None:
    lend(till, nakato, 2)
    second = lend(till, nakato, 1)
    with till.shop.reading() as ctx:
        newest = open_charges(ctx.session, nakato)[-1]
    till.shop.do("accounts.take_payment", customer_id=nakato, method="cash", amount=6_000, charge_ids=[newest.id])
    with till.shop.reading() as ctx:
        (left,) = open_charges(ctx.session, nakato)
    assert left.open_minor == 9_000
    with pytest.raises(Invalid) as refusal:
        till.shop.do("accounts.take_payment", customer_id=nakato, method="cash", amount=1, charge_ids=[newest.id])
    assert set(refusal.value.fields) == {"charge_ids"}
    assert second["number"] not in {row.number for row in till.shop.rows(AccountEntry, id=left.id)}


def test_a_payment_goes_into_the_drawer_under_a_number_of_its_own(till: Till, nakato: str) -> None:
    lend(till, nakato)
    done = pay(till, nakato, 5_000)
    (money,) = till.shop.rows(MoneyMove)
    assert (money.number, money.customer_id, money.amount_minor) == ("KLA1-M000001", nakato, 5_000)
    assert done["number"] == money.number
    with till.shop.reading() as ctx:
        drawer = open_session_or_none(ctx.session, ctx.shop_id or "")
        assert drawer is not None
        assert drawer_figures(ctx.session, drawer).expected_minor == FLOAT + 5_000


def test_what_is_paid_too_much_becomes_store_credit(till: Till, nakato: str) -> None:
    lend(till, nakato)
    done = pay(till, nakato, 8_000)
    assert (done["applied"], done["to_store_credit"]) == (5_000, 3_000)
    assert has(till.shop, nakato) == (0, 3_000, 0)


def test_a_tender_of_no_money_pays_no_debt(till: Till, nakato: str) -> None:
    lend(till, nakato)
    for method in ("on_account", "store_credit", "points", "plan"):
        with pytest.raises(Invalid) as refusal:
            pay(till, nakato, 1_000, method=method)
        assert set(refusal.value.fields) == {"method"}


def test_undoing_a_sale_on_account_takes_the_debt_away(till: Till, nakato: str) -> None:
    sold = lend(till, nakato, 2)
    till.shop.do("sales.void", sale_id=sold["sale_id"], reason="changed their mind", restock="resell")
    assert has(till.shop, nakato) == (0, 0, 0)
    assert sum(row.amount_minor for row in till.shop.rows(Payment)) == 0


def test_what_was_paid_of_an_undone_debt_becomes_store_credit(till: Till, nakato: str) -> None:
    lend(till, nakato, 1)
    sold = lend(till, nakato, 2)
    with till.shop.reading() as ctx:
        newest = open_charges(ctx.session, nakato)[-1]
    pay(till, nakato, 4_000, charge_ids=[newest.id])
    till.shop.do("sales.reverse", sale_id=sold["sale_id"], reason="broken", restock="inspect")
    assert has(till.shop, nakato) == (5_000, 4_000, 0)


def test_store_credit_is_spent_and_never_below_zero(till: Till, nakato: str) -> None:
    till.shop.do("accounts.sell_store_credit", customer_id=nakato, method="cash", amount=12_000, role=Role.STAFF)
    sold = till.sell(pay=[{"method": "store_credit", "amount": 5_000}], customer_id=nakato).result
    assert has(till.shop, nakato) == (0, 7_000, 0)
    item = {"product_id": till.glass, "quantity": 2}
    with pytest.raises(TooLittle, match="Nakato Prossy has 7,000 of store credit"):
        till.sell(item, pay=[{"method": "store_credit", "amount": 10_000}], customer_id=nakato)
    with pytest.raises(TooLittle):
        two = [{"method": "store_credit", "amount": 5_000}] * 2
        till.sell(item, pay=two, customer_id=nakato)
    till.shop.do("sales.void", sale_id=sold["sale_id"], reason="came back", restock="resell")
    assert has(till.shop, nakato) == (0, 12_000, 0)


def test_store_credit_is_paid_out_with_a_second_person(till: Till, nakato: str) -> None:
    till.shop.do("accounts.sell_store_credit", customer_id=nakato, method="cash", amount=12_000)
    out = {"customer_id": nakato, "method": "cash", "amount": 10_000}
    with pytest.raises(ApprovalNeeded):
        till.shop.do("accounts.pay_out_store_credit", out, role=Role.STAFF)
    approval = till.shop.approval_by(Role.SUPERVISOR)
    till.shop.perform("accounts.pay_out_store_credit", out, role=Role.STAFF, approval=approval)
    assert has(till.shop, nakato) == (0, 2_000, 0)
    with pytest.raises(TooLittle):
        till.shop.do("accounts.pay_out_store_credit", out)
    assert sum(row.amount_minor for row in till.shop.rows(MoneyMove)) == 2_000


def test_store_credit_pays_a_debt(till: Till, nakato: str) -> None:
    till.shop.do("accounts.sell_store_credit", customer_id=nakato, method="cash", amount=8_000)
    lend(till, nakato)
    till.shop.do("accounts.use_store_credit", customer_id=nakato, amount=5_000, role=Role.STAFF)
    assert has(till.shop, nakato) == (0, 3_000, 0)
    with pytest.raises(Exception, match="owes nothing"):
        till.shop.do("accounts.use_store_credit", customer_id=nakato, amount=1_000)


def test_rule_42_money_for_nothing_known_waits_and_is_given_to_its_owner_once(till: Till, nakato: str) -> None:
    came = {"method": "mtn", "amount": 30_000, "reference": "MP 26 77"}
    done = till.shop.do("accounts.receive_unallocated", came, role=Role.STAFF)
    with till.shop.reading() as ctx:
        (waiting,) = unallocated_money(ctx.session).rows
    assert (waiting.amount_minor, waiting.reference, waiting.number) == (30_000, "MP2677", done["number"])

    form = {"money_id": done["money_id"], "customer_id": nakato}
    with pytest.raises(ApprovalNeeded, match="30,000 of slip .* becomes the store credit of Nakato"):
        till.shop.do("accounts.allocate_money", form, role=Role.STAFF)
    assert has(till.shop, nakato) == (0, 0, 0)
    approval = till.shop.approval_by(Role.SUPERVISOR)
    till.shop.perform("accounts.allocate_money", form, role=Role.STAFF, approval=approval)

    assert has(till.shop, nakato) == (0, 30_000, 0)
    with till.shop.reading() as ctx:
        assert unallocated_money(ctx.session).rows == []
    back = {"money_id": done["money_id"], "method": "mtn", "reference": "X1", "reason": "wrong number"}
    for name, form in (("send_back_money", back), ("allocate_money", {**back, "customer_id": nakato})):
        kept = {key: form[key] for key in form if key != "method" or name == "send_back_money"}
        if name == "allocate_money":
            kept = {"money_id": done["money_id"], "customer_id": nakato}
        with pytest.raises(AlreadySettled):
            till.shop.do(f"accounts.{name}", kept)


def test_rule_42_money_for_nothing_known_can_be_sent_back(till: Till) -> None:
    done = till.shop.do("accounts.receive_unallocated", method="airtel", amount=9_000, reference="A1")
    back = {"money_id": done["money_id"], "method": "airtel", "reference": "A2", "reason": "wrong number"}
    with pytest.raises(ApprovalNeeded):
        till.shop.do("accounts.send_back_money", back, role=Role.STAFF)
    till.shop.do("accounts.send_back_money", back)
    with till.shop.reading() as ctx:
        assert unallocated_money(ctx.session).rows == []
    assert sum(row.amount_minor for row in till.shop.rows(MoneyMove)) == 0


def test_rule_42_the_money_of_a_known_customer_is_theirs_at_once(till: Till, nakato: str) -> None:
    form = {"method": "mtn", "amount": 700, "reference": "M7", "customer_id": nakato}
    till.shop.do("accounts.receive_unallocated", form)
    assert has(till.shop, nakato) == (0, 700, 0)


def test_a_correction_is_an_entry_of_its_own_and_never_goes_below_zero(till: Till, nakato: str) -> None:
    lend(till, nakato)
    for account in ("store_credit", "points"):
        with pytest.raises(TooLittle):
            till.shop.do("accounts.correct", customer_id=nakato, account=account, amount=-1, reason="by mistake")
    with pytest.raises(Exception, match="owes 5,000"):
        till.shop.do("accounts.correct", customer_id=nakato, account="credit", amount=-5_001, reason="too much")
    till.shop.do("accounts.correct", customer_id=nakato, account="credit", amount=-2_000, reason="goodwill")
    till.shop.do("accounts.correct", customer_id=nakato, account="credit", amount=700, reason="forgotten charge")
    till.shop.do("accounts.correct", customer_id=nakato, account="store_credit", amount=50, reason="goodwill")
    till.shop.do("accounts.correct", customer_id=nakato, account="points", amount=9, reason="goodwill")
    assert has(till.shop, nakato) == (3_700, 50, 9)
    with pytest.raises(NotPermitted):
        till.shop.do("accounts.correct", customer_id=nakato, account="points", amount=9, reason="mine", role=Role.STAFF)


def test_the_accounts_of_a_duplicate_count_for_the_one_who_is_kept(till: Till, nakato: str) -> None:
    other = till.shop.do("customers.create", name="Nakato P.")["id"]
    till.shop.do("accounts.set_credit", customer_id=other, credit_limit=50_000)
    lend(till, other)
    lend(till, nakato)
    till.shop.do("customers.merge", duplicate_id=other, into_id=nakato)

    assert has(till.shop, nakato) == (10_000, 0, 0)
    with till.shop.reading() as ctx:
        (debtor,) = who_owes(ctx).rows
    assert (debtor.customer_id, debtor.owes_minor) == (nakato, 10_000)
    done = pay(till, other, 10_000)  # somebody shows an old slip
    assert (done["customer_id"], done["owes"]) == (nakato, 0)
    assert sum(row.balance for row in till.shop.rows(AccountBalance, account="credit")) == 0


def test_a_statement_tells_what_stood_before_and_each_entry(till: Till, nakato: str) -> None:
    lend(till, nakato, 2)
    days_later(till, 40)
    lend(till, nakato, 1)
    pay(till, nakato, 4_000)
    with till.shop.reading() as ctx:
        who = till.shop.row(Customer, nakato)
        whole = statement(ctx, who)
        late = statement(ctx, who, from_on=date(2026, 10, 1))
    assert [(line.amount_minor, line.balance_minor) for line in whole.lines] == [
        (10_000, 10_000), (5_000, 15_000), (-4_000, 11_000),
    ]  # fmt: skip
    assert (whole.opening_minor, whole.closing_minor) == (0, 11_000)
    assert (late.opening_minor, len(late.lines), late.closing_minor) == (10_000, 2, 11_000)
    assert (whole.ageing.days_30_minor, whole.ageing.not_due_minor) == (6_000, 5_000)


def test_who_owes_most_comes_first_and_pages_show_each_once(till: Till, nakato: str) -> None:
    people = {nakato: 3}
    for n in range(3):
        who = till.shop.do("customers.create", name=f"Debtor {n}")["id"]
        till.shop.do("accounts.set_credit", customer_id=who, credit_limit=10**6)
        people[who] = 1
    for who, glasses in people.items():
        lend(till, who, glasses)
    till.shop.clock.advance(31 * DAY_MS)
    with till.shop.reading() as ctx:
        first = who_owes(ctx, limit=2)
        second = who_owes(ctx, limit=2, cursor=first.next_cursor)
        late = who_owes(ctx, overdue_only=True)
    rows = [*first.rows, *second.rows]
    assert [row.owes_minor for row in rows] == [15_000, 5_000, 5_000, 5_000]
    assert len({row.customer_id for row in rows}) == len(late.rows) == 4
    assert (rows[0].oldest_due_on, rows[0].ageing.overdue_minor) == (date(2026, 10, 21), 15_000)


def test_what_is_due_soon_comes_in_the_order_of_its_days(till: Till, nakato: str) -> None:
    lend(till, nakato, 1)
    days_later(till, 5)
    lend(till, nakato, 2)
    with till.shop.reading() as ctx:
        assert due_soon(ctx, 7).rows == []
        assert [due.open_minor for due in due_soon(ctx, 26).rows] == [5_000]
        assert [due.open_minor for due in due_soon(ctx, 60).rows] == [5_000, 10_000]
        first = due_soon(ctx, 60, limit=1)
        second = due_soon(ctx, 60, limit=1, cursor=first.next_cursor)
        assert [due.open_minor for due in (*first.rows, *second.rows)] == [5_000, 10_000]
        assert second.next_cursor is None
    pay(till, nakato, 5_000)
    with till.shop.reading() as ctx:
        assert [due.open_minor for due in due_soon(ctx, 60).rows] == [10_000]


def test_entries_are_listed_newest_first_in_pages(till: Till, nakato: str) -> None:
    for _ in range(3):
        lend(till, nakato)
        till.shop.clock.advance(1_000)
    with till.shop.reading() as ctx:
        first = entries_of(ctx.session, nakato, limit=2)
        second = entries_of(ctx.session, nakato, limit=2, cursor=first.next_cursor)
        points = entries_of(ctx.session, nakato, account=Account.POINTS)
    rows = [*first.rows, *second.rows]
    assert [row.at for row in rows] == sorted((row.at for row in rows), reverse=True)
    assert (len({row.id for row in rows}), points.rows) == (3, [])


def test_a_statement_of_more_lines_than_are_told_ends_with_what_is_owed(till: Till, nakato: str) -> None:
    for n in range(5):
        till.shop.do("accounts.correct", customer_id=nakato, account="credit", amount=1_000 + n, reason="an old debt")
        till.shop.clock.advance(1_000)
    with till.shop.reading() as ctx:
        who = till.shop.row(Customer, nakato)
        told, whole = statement(ctx, who, lines_max=2), statement(ctx, who, lines_max=5)
    assert [(line.amount_minor, line.balance_minor) for line in told.lines] == [(1_003, 4_006), (1_004, 5_010)]
    assert (told.opening_minor, told.closing_minor, told.left_out) == (3_003, 5_010, 3)
    assert (whole.opening_minor, whole.closing_minor, len(whole.lines), whole.left_out) == (0, 5_010, 5, 0)

"""Forgetting a person (rule 91): nothing that names them is left, and the chain still proves what was done."""

from __future__ import annotations

import orjson
import pytest

from shopnode.domain.clock import to_datetime
from shopnode.domain.customers.actions import CustomerErased
from shopnode.domain.customers.erasing import ERASED_NAME, StillOwed
from shopnode.domain.customers.models import Customer
from shopnode.domain.customers.queries import search_customers
from shopnode.domain.errors import Invalid, NotPermitted
from shopnode.domain.notices.models import Channel, OutgoingMessage
from shopnode.domain.notices.outbox import Outgoing, queue_message
from shopnode.domain.permissions import Role
from shopnode.domain.sales.carts import CartBody, CartLine, body_of, change_cart, open_cart, park_cart, parked_carts
from sync_protocol import chain
from tests.domain.till import open_till
from tests.shop import Shop

PERSON = {
    "name": "Nakato Prossy", "phone": "+256772123456", "email": "prossy@example.com", "address": "Plot 7, Ntinda",
    "notes": "sister of Okello", "id_number": "CM90011", "date_of_birth": "1990-02-03", "gender": "female",
}  # fmt: skip


def add(shop: Shop) -> str:
    made: str = shop.do("customers.create", PERSON, may_message=True)["id"]
    return made


def kept_of(shop: Shop) -> str:
    """All text of the journal and of the row, as it lies there."""
    entries = "".join((entry.body or "") + (entry.personal or "") for entry in shop.entries())
    rows = "".join(str(value) for row in shop.rows(Customer) for value in vars(row).values())
    return entries + rows


def test_rule_91_nothing_that_names_an_erased_customer_is_left(anywhere: Shop) -> None:
    who = add(anywhere)
    anywhere.do("customers.update", customer_id=who, name="Nakato Prossy Junior", phone="0701 999 888")
    assert all(str(value) in kept_of(anywhere) for value in PERSON.values())

    anywhere.do("customers.erase", customer_id=who, reason="asked by letter")

    left = kept_of(anywhere)
    for value in (*PERSON.values(), "Nakato Prossy Junior", "+256701999888"):
        assert value not in left
    row = anywhere.row(Customer, who)
    assert (row.name, row.phone, row.date_of_birth, row.may_message_at) == (ERASED_NAME, None, None, None)
    assert row.erased_at is not None
    assert row.archived_at is not None
    with anywhere.reading() as ctx:
        assert search_customers(ctx.session, "").rows == []


def test_rule_91_the_markers_stay_and_the_chain_still_verifies(shop: Shop) -> None:
    who = add(shop)
    before = [(entry.body, entry.hash) for entry in shop.entries()]
    shop.do("customers.erase", customer_id=who, reason="asked by letter")
    hash_n = chain.genesis(shop.home.origin_id)
    for n, entry in enumerate(shop.entries(), start=1):
        hash_n = chain.link(hash_n, entry.body.encode())
        assert (entry.n, entry.hash) == (n, hash_n)
    assert [(entry.body, entry.hash) for entry in shop.entries()][:-1] == before
    (told,) = [change for change in shop.changes("customer") if change.op == "u"]
    assert told.fields["phone"] is None


def test_rule_91_others_keep_their_names(anywhere: Shop) -> None:
    who = add(anywhere)
    other = anywhere.do("customers.create", name="Okello James", phone="0799 222 333")["id"]
    anywhere.do("customers.erase", customer_id=who, reason="asked by letter")
    assert anywhere.row(Customer, other).name == "Okello James"
    (entry,) = [entry for entry in anywhere.entries() if entry.subject_id == other]
    assert "Okello James" in [pair[1] for pair in orjson.loads(entry.personal or "{}").values()]


def test_rule_91_their_duplicates_are_erased_with_them(anywhere: Shop) -> None:
    who, twin = add(anywhere), anywhere.do("customers.create", name="Nakato P.")["id"]
    anywhere.do("customers.merge", duplicate_id=twin, into_id=who)
    done = anywhere.do("customers.erase", customer_id=twin, reason="asked by letter")
    assert (done["id"], done["records"]) == (who, 2)
    assert "Nakato" not in kept_of(anywhere)


def test_rule_91_an_erased_customer_is_changed_no_more(anywhere: Shop) -> None:
    who = add(anywhere)
    anywhere.do("customers.erase", customer_id=who, reason="asked by letter")
    with pytest.raises(CustomerErased):
        anywhere.do("customers.update", customer_id=who, name="Nakato")
    with pytest.raises(Invalid):
        anywhere.do("accounts.set_credit", customer_id=who, credit_limit=5)
    anywhere.do("customers.create", PERSON)  # they came back, as somebody new


def test_rule_91_only_the_owner_erases(anywhere: Shop) -> None:
    who = add(anywhere)
    for role in (Role.STAFF, Role.SUPERVISOR):
        with pytest.raises(NotPermitted):
            anywhere.do("customers.erase", customer_id=who, reason="because", role=role)


def test_rule_91_nobody_is_erased_while_anything_is_owed(shop: Shop) -> None:
    till, who = open_till(shop), add(shop)
    erase = {"customer_id": who, "reason": "asked by letter"}
    shop.do("accounts.set_credit", customer_id=who, credit_limit=10_000)
    till.sell(pay=[{"method": "on_account", "amount": 5_000}], customer_id=who)
    with pytest.raises(StillOwed, match="Nakato Prossy owes 5,000"):
        shop.do("customers.erase", erase)
    shop.do("accounts.take_payment", customer_id=who, method="cash", amount=6_000)
    with pytest.raises(StillOwed, match="has 1,000 of store credit"):
        shop.do("customers.erase", erase)
    shop.do("accounts.pay_out_store_credit", customer_id=who, method="cash", amount=1_000)
    items, paid = [{"device_id": till.units[0]}], [{"method": "cash", "amount": 128_000}]
    plan = shop.do("plans.open", kind="layaway", customer_id=who, items=items, payments=paid)
    with pytest.raises(StillOwed, match="Plan KLA1-L000001 of Nakato Prossy is open"):
        shop.do("customers.erase", erase)
    shop.do("plans.cancel", plan_id=plan["plan_id"], reason="asked by letter", method="cash")
    shop.do("customers.erase", erase)


def test_rule_91_carts_that_wait_for_an_erased_customer_are_nobodys(shop: Shop) -> None:
    who, glass = add(shop), open_till(shop).glass

    def fill(body: CartBody) -> None:
        body.customer_id = who
        body.lines.append(CartLine(id=who, product_id=glass))

    change_cart(shop.ctx(), fill, lambda session, body: None)
    park_cart(shop.ctx(), "Nakato Prossy · 1 line")
    change_cart(shop.ctx(), fill, lambda session, body: None)

    shop.do("customers.erase", customer_id=who, reason="asked by letter")

    with shop.reading() as ctx:
        (parked,) = parked_carts(ctx.session)
        in_work = open_cart(ctx.session, str(shop.owner.id))
    assert (parked.label, body_of(parked).customer_id, in_work.customer_id) == (None, None, None)
    assert len(body_of(parked).lines) == len(in_work.lines) == 1


def test_rule_91_messages_to_an_erased_customer_say_nothing_and_go_nowhere(anywhere: Shop) -> None:
    who, other = add(anywhere), anywhere.do("customers.create", name="Okello", phone="0772 555 111")["id"]
    now = to_datetime(anywhere.clock.now_ms)
    with anywhere.home.writing() as session:
        for n, customer_id in enumerate((who, other)):
            words = Outgoing(f"cause:{n}", Channel.SMS, "Dear Nakato Prossy", "To Nakato", None, None, customer_id)
            queue_message(session, anywhere.home.new_id(), now, words)

    anywhere.do("customers.erase", customer_id=who, reason="asked by letter")

    told = {row.customer_id: (row.subject, row.body, row.state) for row in anywhere.rows(OutgoingMessage)}
    assert told == {who: (None, "", "cancelled"), other: ("To Nakato", "Dear Nakato Prossy", "waiting")}

"""One sale, all the way: counter, journal, hub, owner; and the owner's price back to the counter."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from cloudhub.merge.models import FieldConflict
from shopnode.domain.actions import perform
from shopnode.domain.catalogue.models import Product
from shopnode.domain.handsets.models import StockUnit
from shopnode.domain.journal import JournalEntry
from shopnode.domain.node import FieldState
from shopnode.domain.permissions import Role
from shopnode.domain.sales.models import Payment, Sale, SaleLine, SaleSummary
from shopnode.domain.stock.models import StockLevel
from shopnode.sync.transport import Answer, LinkDown
from tests.domain.till import open_till


def rows_at_hub(company, model):
    with company.hub.home(company.tenant_id).reading() as session:
        return list(session.scalars(select(model)))


def test_a_sale_reaches_the_owner_whole(company):
    branch = company.open_branch("KLA")
    till = open_till(branch.shop)
    done = till.sell({"product_id": till.glass, "quantity": 2}, {"device_id": till.units[0]})
    branch.sync()

    (sale,) = rows_at_hub(company, Sale)
    assert (sale.id, sale.number) == (done.result["sale_id"], "KLA1-000001")
    assert len(rows_at_hub(company, SaleLine)) == 2
    (summary,) = rows_at_hub(company, SaleSummary)
    here = branch.shop.rows(SaleSummary)[0]
    ours = {c.name for c in SaleSummary.__table__.columns} - {"tenant_id"}
    assert {name: getattr(summary, name) for name in ours} == {name: getattr(here, name) for name in ours}
    levels = {row.product_id: row.on_hand for row in rows_at_hub(company, StockLevel)}
    assert levels == {row.product_id: row.on_hand for row in branch.shop.rows(StockLevel)}
    assert branch.worker.status().waiting == 0


def test_the_journal_at_the_hub_is_the_chain_of_the_node(company):
    branch = company.open_branch("KLA")
    open_till(branch.shop).sell()
    branch.sync()
    origin = branch.shop.home.origin_id
    with company.hub.home(company.tenant_id).reading() as session:
        there = session.execute(
            select(JournalEntry.n, JournalEntry.hash, JournalEntry.body)
            .where(JournalEntry.origin_id == origin)
            .order_by(JournalEntry.n)
        ).all()
    assert [tuple(row) for row in there] == [(e.n, e.hash, e.body) for e in branch.shop.entries()]


def test_the_owners_price_comes_back_to_the_counter(company):
    branch = company.open_branch("KLA")
    till = open_till(branch.shop)
    branch.sync()
    perform(company.portal(), "products.update", {"product_id": till.glass, "price_minor": 6_500})
    branch.sync()
    assert branch.shop.row(Product, till.glass).price_minor == 6_500
    done = till.sell(pay=[{"method": "cash", "amount": 6_500}])
    assert done.result["total"] == 6_500


def test_a_lost_reply_leaves_one_sale(company):
    branch = company.open_branch("KLA")
    till = open_till(branch.shop)
    branch.sync()
    till.sell()
    branch.line.lose_replies()
    for _ in range(3):
        with pytest.raises(LinkDown):
            branch.worker.run_once()
    branch.line.heal()
    branch.sync()
    assert len(rows_at_hub(company, Sale)) == len(rows_at_hub(company, Payment)) == 1
    assert {row.on_hand for row in rows_at_hub(company, StockLevel) if row.product_id == till.glass} == {9}


def test_selling_does_not_notice_that_the_hub_is_away(company):
    branch = company.open_branch("KLA")
    till = open_till(branch.shop)
    branch.line.cut()
    for _ in range(3):
        till.sell()
    with pytest.raises(LinkDown):
        branch.worker.run_once()
    assert branch.worker.status().waiting >= 3
    branch.line.heal()
    branch.sync()
    assert len(rows_at_hub(company, Sale)) == 3


def test_a_captive_portal_is_taken_for_no_connection_and_nothing_counts_as_sent(company):
    branch = company.open_branch("KLA")
    till = open_till(branch.shop)
    branch.sync()
    till.sell()
    page = Answer(200, [("Content-Type", "text/html")], b"<html>Welcome to Free Wi-Fi</html>")
    branch.line.fault = lambda target, through: page
    with pytest.raises(LinkDown):
        branch.worker.run_once()
    assert branch.worker.status().waiting == 1
    branch.line.heal()
    branch.sync()
    assert branch.worker.status().waiting == 0


def test_what_one_shop_sold_never_goes_to_another_but_prices_do(company):
    kla, jja = company.open_branch("KLA"), company.open_branch("JJA")
    till = open_till(kla.shop)
    till.sell({"device_id": till.units[0]})
    kla.sync()
    jja.sync()
    assert [row.id for row in jja.shop.rows(Product)] != []
    assert jja.shop.rows(Sale) == jja.shop.rows(StockUnit) == jja.shop.rows(StockLevel) == []
    kla.shop.do("products.update", product_id=till.glass, price_minor=7_000)
    kla.sync()
    jja.sync()
    assert jja.shop.row(Product, till.glass).price_minor == 7_000


def test_two_prices_unseen_of_each_other_are_settled_and_listed(company):
    branch = company.open_branch("KLA")
    till = open_till(branch.shop)
    branch.sync()
    branch.line.cut()
    branch.shop.do("products.update", product_id=till.glass, price_minor=5_500)
    perform(company.portal(), "products.update", {"product_id": till.glass, "price_minor": 6_000})
    assert branch.shop.row(Product, till.glass).price_minor == 5_500
    branch.line.heal()
    branch.sync()
    there = next(row for row in rows_at_hub(company, Product) if row.id == till.glass)
    assert branch.shop.row(Product, till.glass).price_minor == there.price_minor
    assert [row for row in rows_at_hub(company, FieldConflict) if row.row_id == till.glass]


def test_nothing_moves_any_more_once_all_is_exchanged(company):
    kla, jja = company.open_branch("KLA"), company.open_branch("JJA")
    open_till(kla.shop).sell()
    for branch in (kla, jja, kla, jja):
        branch.sync()
    entries = len(rows_at_hub(company, JournalEntry))
    for _ in range(10):
        for branch in (kla, jja):
            done = branch.worker.run_once()
            assert (done.pushed, done.pulled) == (0, 0)
    assert len(rows_at_hub(company, JournalEntry)) == entries


def test_no_edit_waits_for_a_verdict_once_all_is_exchanged(company):
    branch = company.open_branch("KLA")
    till = open_till(branch.shop)
    branch.shop.do("products.update", product_id=till.glass, price_minor=5_100)
    branch.sync()
    with branch.shop.home.reading() as session:
        waiting = session.scalar(select(func.count()).select_from(FieldState).where(FieldState.pending_n.is_not(None)))
    assert waiting == 0


def test_an_owner_may_reverse_a_sale_in_the_portal_and_the_refund_is_due_in_the_shop(company):
    branch = company.open_branch("KLA")
    till = open_till(branch.shop)
    sale_id = till.sell({"device_id": till.units[0]}).result["sale_id"]
    branch.sync()
    answer = perform(company.portal(), "sales.reverse", {"sale_id": sale_id, "reason": "wrong model"}).result
    assert (answer["refund_due"], answer["restock"]) == (640_000, "inspect")
    branch.sync()
    assert branch.shop.rows(SaleSummary, sale_id=sale_id)[0].status == "Reversed"
    assert branch.shop.row(StockUnit, till.units[0]).status == "inspect"
    paid = branch.shop.do("sales.pay_refund", role=Role.STAFF, sale_id=sale_id)
    assert paid["paid_out"] == 640_000
    branch.sync()
    assert rows_at_hub(company, SaleSummary)[0].paid_minor == 0


def test_a_page_that_cannot_be_applied_takes_no_ack_back(company, monkeypatch):
    branch = company.open_branch("KLA")
    till = open_till(branch.shop)
    branch.sync()
    till.sell()

    def broken(*_: object, **__: object) -> None:
        raise ValueError("a line this version cannot write")

    with monkeypatch.context() as patched:
        patched.setattr("shopnode.sync.exchange.PageReader.apply", broken)
        with pytest.raises(ValueError, match="cannot write"):
            branch.worker.run_once()
    assert branch.worker.status().waiting == 0
    assert len(rows_at_hub(company, Sale)) == 1
    branch.sync()
    assert (len(rows_at_hub(company, Sale)), branch.worker.status().waiting) == (1, 0)

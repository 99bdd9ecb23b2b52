"""Digests: equal books have equal sums, and what differs is found, mended or told."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from sqlalchemy import text

from shopnode.domain.actions import perform
from shopnode.domain.catalogue.models import Product
from shopnode.domain.customers.models import Customer
from shopnode.domain.sales.models import Sale, SaleSummary
from shopnode.domain.stock.models import StockLevel
from shopnode.sync import bootstrap
from shopnode.sync.digest import DAY_MS, DIGEST, compare, last_agreement
from shopnode.sync.transport import LinkDown
from tests.domain.till import open_till
from tests.sync.blank_pc import TracedLine, blank_pc


@pytest.fixture
def branch(company):
    """A branch that traded, in step with the hub."""
    made = company.open_branch("KLA")
    made.till = open_till(made.shop)
    sold = made.till.sell({"product_id": made.till.glass, "quantity": 2}, {"device_id": made.till.units[0]})
    made.shop.do("sales.approve", sale_id=sold.result["sale_id"])
    made.shop.do("customers.create", name="Nakato Grace", phone="+256772000001")
    made.sync()
    return made


def agreement(branch):
    return compare(branch.worker._signed_line())


def tamper(home, statement):
    """Write past everything, as a disk or a person with a tool would."""
    with home.database.writing() as session:
        session.execute(text(statement))
        session.execute(text("DELETE FROM touched"))


def test_books_in_step_agree(company, branch):
    company.open_branch("JJA")
    branch.sync()
    found = agreement(branch)
    assert found.is_whole
    assert (found.added, found.mended) == (0, 0)
    assert found.rows > 20


def test_nothing_is_concluded_while_there_is_something_to_tell(company, branch):
    branch.till.sell()
    assert not agreement(branch).compared
    branch.sync()
    perform(company.portal(), "products.update", {"product_id": branch.till.glass, "price_minor": 6_000})
    assert not agreement(branch).compared
    branch.sync()
    assert agreement(branch).is_whole


def test_they_agree_after_merged_edits_conflicts_and_an_act_done_twice(company, branch):
    glass, charger = branch.till.glass, branch.till.charger
    sale = branch.till.sell().result["sale_id"]
    branch.sync()
    branch.shop.do("products.update", product_id=glass, price_minor=4_800, name="Glass A")
    branch.shop.do("products.update", product_id=charger, min_stock_level=3)
    branch.shop.do("sales.reverse", sale_id=sale, reason="the wrong phone")
    perform(company.portal(), "products.update", {"product_id": glass, "price_minor": 6_500})
    perform(company.portal(), "products.update", {"product_id": charger, "name": "Charger 20 W"})
    perform(company.portal(), "sales.reverse", {"sale_id": sale, "reason": "called by the customer"})
    branch.sync()
    assert agreement(branch).is_whole


def test_they_agree_after_a_snapshot(company, branch, monkeypatch):
    monkeypatch.setattr(bootstrap, "SHORT_FEED_LINES", 0)
    with blank_pc(company, branch.shop.home.shop_id) as new:
        new.worker.run_once()
        assert new.worker and compare(new.worker._signed_line()).is_whole


def test_what_is_missing_is_added_with_what_follows_from_it(company, branch):
    branch.shop.do("products.create", name="Case", category="Accessories", cost_minor=100, price_minor=300)
    branch.sync()
    missing = next(row.id for row in branch.shop.rows(Product) if row.name == "Case")
    tamper(branch.shop.home, f"DELETE FROM product WHERE id = '{missing}'")
    tamper(branch.shop.home, f"DELETE FROM product_search WHERE product_id = '{missing}'")
    found = agreement(branch)
    assert (found.added, found.mended, found.is_whole) == (1, 0, True)
    assert branch.shop.row(Product, missing).name == "Case"
    with branch.shop.home.reading() as session:
        words = session.execute(text(f"SELECT text FROM product_search WHERE product_id = '{missing}'")).scalar_one()
    assert "case" in words.lower()
    assert agreement(branch).added == 0


def test_a_lost_movement_comes_back_and_stock_is_its_sum(company, branch):
    (before,) = [row.on_hand for row in branch.shop.rows(StockLevel, product_id=branch.till.glass)]
    with branch.shop.home.reading() as session:
        row_id, pieces = session.execute(
            text("SELECT id, quantity FROM stock_movement WHERE product_id = :p LIMIT 1"), {"p": branch.till.glass}
        ).one()
    tamper(branch.shop.home, f"DELETE FROM stock_movement WHERE id = '{row_id}'")
    change = f"UPDATE stock_level SET on_hand = on_hand - ({pieces}) WHERE product_id = '{branch.till.glass}'"
    tamper(branch.shop.home, change)
    assert agreement(branch).added == 1
    assert [row.on_hand for row in branch.shop.rows(StockLevel, product_id=branch.till.glass)] == [before]


def test_a_field_that_differs_is_set_and_the_journal_says_nothing(company, branch):
    entries = len(branch.shop.entries())
    tamper(branch.shop.home, f"UPDATE product SET price_minor = 1 WHERE id = '{branch.till.glass}'")
    found = agreement(branch)
    assert (found.added, found.mended, found.is_whole) == (0, 1, True)
    assert branch.shop.row(Product, branch.till.glass).price_minor == 5_000
    assert len(branch.shop.entries()) == entries


def test_a_fact_that_differs_is_told_and_left(company, branch):
    (sale,) = branch.shop.rows(Sale)
    tamper(branch.shop.home, f"UPDATE sale SET discount_minor = 77 WHERE id = '{sale.id}'")
    found = agreement(branch)
    assert found.differing == [f"sale {sale.id}"]
    assert not found.is_whole
    assert branch.shop.row(Sale, sale.id).discount_minor == 77
    with branch.shop.home.reading() as session:
        assert last_agreement(session) == found


def test_a_row_the_hub_does_not_know_is_told_and_left(company, branch):
    (sale,) = branch.shop.rows(Sale)
    stranger = sale.id[:-2] + ("00" if sale.id[-2:] != "00" else "01")
    with branch.shop.home.reading() as session:
        columns = [row[1] for row in session.execute(text("PRAGMA table_info(sale)"))]
    values = ", ".join(f"'{stranger}'" if name == "id" else "'X-1'" if name == "number" else name for name in columns)
    tamper(branch.shop.home, f"INSERT INTO sale ({', '.join(columns)}) SELECT {values} FROM sale LIMIT 1")
    found = agreement(branch)
    assert found.unknown == [f"sale {stranger}"]
    assert "1 rows here are unknown" in found.words()
    assert len(branch.shop.rows(Sale)) == 2


def test_what_an_entry_wrote_that_was_set_aside_is_not_compared(company, branch):
    customer = branch.shop.rows(Customer)[0]
    branch.till.sell()
    with pytest.MonkeyPatch.context() as patch:

        def unfit(sender, entity, *block):
            raise work.Unfit("a fault of this hub")

        from cloudhub.merge import work

        patch.setattr(work, "_examine_block", unfit)
        branch.sync()
    assert agreement(branch).is_whole
    tamper(branch.shop.home, f"UPDATE customer SET notes = 'x' WHERE id = '{customer.id}'")
    assert agreement(branch).mended == 1
    assert len(branch.shop.rows(SaleSummary)) == 2


def test_it_happens_once_a_day_and_a_bad_line_does_not_matter(company, branch):
    line = TracedLine(company.app)
    branch.worker._transport = line
    branch.sync()
    assert DIGEST not in getattr(line, "targets", [])
    branch.shop.clock.advance(DAY_MS + 1)
    company.hub.clock
    line.fault = lambda target, through: cut() if target == DIGEST else through()

    def cut():
        raise LinkDown("cut")

    branch.worker.run_once()
    line.heal()
    branch.worker.run_once()
    branch.worker.run_once()
    assert line.targets.count(DIGEST) == 2
    with branch.shop.home.reading() as session:
        assert last_agreement(session).is_whole


def test_a_days_comparison_costs_little(company, branch):
    agreement(branch)
    sent = [len(body) for body in branch.line.sent[-1:]]
    assert sum(sent) < 3_000


def test_an_erased_value_is_equal_on_both_sides(company, branch):
    with ExitStack():
        customer = branch.shop.rows(Customer)[0]
        branch.shop.do("customers.update", customer_id=customer.id, notes="likes blue")
        branch.sync()
        branch.shop.do("customers.update", customer_id=customer.id, notes=None)
        branch.sync()
    assert agreement(branch).is_whole

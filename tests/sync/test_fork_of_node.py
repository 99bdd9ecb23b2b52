"""A shop's computer is restored from an older copy: nothing the hub has is lost, nothing is counted twice."""

from __future__ import annotations

import io

import orjson
import pytest
from sqlalchemy import func, select

from shopnode.domain import failpoints
from shopnode.domain.actions import perform
from shopnode.domain.cash.models import DrawerSession
from shopnode.domain.catalogue.models import Product
from shopnode.domain.journal import JournalEntry
from shopnode.domain.permissions import Role
from shopnode.domain.sales.models import Sale
from shopnode.domain.stock.models import StockLevel
from shopnode.machine.examinations import chain_breaks
from shopnode.sync.carried import MustMeetFirst
from shopnode.sync.renew import renew
from shopnode.sync.transport import LinkDown
from tests.domain.till import Till, open_till
from tests.sync.chain_of_shops import Branch, Company
from tests.sync.restoring import copy_books, differences, journal, past, put_back, reopen, settle


@pytest.fixture
def shop(company: Company) -> tuple[Branch, Till]:
    branch = company.open_branch("KLA")
    till = open_till(branch.shop)
    branch.sync()
    return branch, till


def at_hub(company: Company, model):
    with company.hub.home(company.tenant_id).reading() as session:
        return list(session.scalars(select(model)))


def again(branch: Branch, till: Till) -> Till:
    """The same shelf, in the restored shop."""
    return Till(branch.shop, till.glass, till.charger, till.phone, till.units)


def glasses(company: Company, till: Till) -> int:
    return next(row.on_hand for row in at_hub(company, StockLevel) if row.product_id == till.glass)


def test_sales_that_the_copy_lacks_come_back_and_no_receipt_number_is_used_twice(company, shop):
    branch, till = shop
    copy = copy_books(branch)
    lost = [till.sell().result["number"] for _ in range(3)]
    branch.sync()
    put_back(branch, copy)
    branch.line.cut()
    offline = again(branch, till).sell().result["number"]  # it sells at once
    branch.line.heal()
    settle(branch)

    assert lost == ["KLA1-000001", "KLA1-000002", "KLA1-000003"]
    assert offline.startswith("KLA1-")
    assert offline.endswith("-000001")
    assert offline not in lost
    assert sorted(sale.number for sale in branch.shop.rows(Sale)) == sorted([*lost, offline])
    assert sorted(sale.number for sale in at_hub(company, Sale)) == sorted([*lost, offline])
    assert glasses(company, till) == 6
    assert differences(company, branch) == []
    assert [row.settled_at is not None for row in past(branch)] == [True]


def test_entries_that_only_the_copy_has_are_journalled_again_and_keep_their_ids(company, shop):
    branch, till = shop
    branch.line.cut()
    kept = [till.sell().result["sale_id"] for _ in range(3)]
    before = {entry.entry_id: entry for entry in journal(branch)}
    copy = copy_books(branch)
    till.sell()
    put_back(branch, copy)
    fresh = again(branch, till).sell().result["sale_id"]
    branch.line.heal()
    assert branch.worker.status().waiting == 4
    settle(branch)

    assert {sale.id for sale in at_hub(company, Sale)} == {*kept, fresh}
    moved = [entry for entry in journal(branch) if "was" in orjson.loads(entry.body)]
    assert len(moved) == 4  # and the sale after the restore, so that it comes after them
    assert [entry.entry_id in before for entry in sorted(moved, key=lambda row: row.n)] == [True, True, True, False]
    for entry in moved:
        old = before.get(entry.entry_id)
        if old is None:
            continue
        assert orjson.loads(entry.body)["was"] == [old.origin_id, old.n, old.hash]
        assert (entry.fingerprint, entry.result, entry.personal) == (old.fingerprint, old.result, old.personal)
        assert orjson.loads(entry.body)["rows"] == orjson.loads(old.body)["rows"]
    assert differences(company, branch) == []
    with branch.shop.home.reading() as session:
        assert chain_breaks(session)[1] == []
    assert branch.worker.status().waiting == 0


def test_a_copy_that_nobody_noticed_is_found_by_the_hub_as_a_fork(company, shop):
    branch, till = shop
    copy = copy_books(branch)
    till.sell()
    branch.sync()
    put_back(branch, copy, noticed=False)
    other = again(branch, till).sell().result["sale_id"]  # under the number of the lost one: nobody could know
    settle(branch)

    assert len(at_hub(company, Sale)) == 2
    assert other in {sale.id for sale in at_hub(company, Sale)}
    assert branch.shop.home.series != "KLA1"
    assert [row.reason for row in past(branch)] == ["forked"]
    assert differences(company, branch) == []
    assert glasses(company, till) == 8


def test_an_idle_copy_that_nobody_noticed_gets_its_own_past_back(company, shop):
    branch, till = shop
    copy = copy_books(branch)
    till.sell()
    branch.sync()
    put_back(branch, copy, noticed=False)
    settle(branch)
    assert len(branch.shop.rows(Sale)) == 1
    assert differences(company, branch) == []


def test_a_second_restore_before_the_first_was_settled(company, shop):
    branch, till = shop
    copy = copy_books(branch)
    till.sell()
    branch.sync()
    branch.line.cut()
    put_back(branch, copy)
    first = again(branch, till).sell().result["sale_id"]
    second_copy = copy_books(branch)
    again(branch, till).sell()
    put_back(branch, second_copy)
    second = again(branch, till).sell().result["sale_id"]
    branch.line.heal()
    settle(branch)

    assert [row.reason for row in past(branch)] == ["restored", "restored", "gathered"]
    assert all(row.settled_at for row in past(branch))
    ids = {sale.id for sale in at_hub(company, Sale)}
    assert {first, second} < ids
    assert len(ids) == 3
    assert len({sale.number for sale in at_hub(company, Sale)}) == 3
    assert differences(company, branch) == []


def test_an_edit_that_waited_for_its_verdict_keeps_its_place(company, shop):
    branch, till = shop
    branch.line.cut()
    till.shop.do("products.update", product_id=till.glass, price_minor=5_500)
    copy = copy_books(branch)
    put_back(branch, copy)
    branch.shop.do("products.update", product_id=till.charger, price_minor=36_000)
    branch.line.heal()
    settle(branch)
    prices = {row.id: row.price_minor for row in at_hub(company, Product)}
    assert (prices[till.glass], prices[till.charger]) == (5_500, 36_000)
    assert differences(company, branch) == []


def test_an_edit_after_the_restore_is_not_followed_by_the_older_one_from_before_it(company, shop):
    branch, till = shop
    branch.line.cut()
    till.shop.do("products.update", product_id=till.glass, price_minor=5_500)
    put_back(branch, copy_books(branch))
    branch.shop.do("products.update", product_id=till.glass, price_minor=6_000)
    series = branch.shop.home.series
    branch.line.heal()
    settle(branch)
    assert {row.price_minor for row in at_hub(company, Product) if row.id == till.glass} == {6_000}
    assert differences(company, branch) == []
    assert branch.shop.home.series == series
    assert [row.reason for row in past(branch)] == ["restored", "gathered"]


def test_an_edit_made_while_settling_was_cut_off_is_not_followed_by_an_older_one(company, shop):
    """Seed 3008: the disk was full when a part had moved, and a colour came back that had been typed over since."""
    branch, till = shop
    branch.line.cut()
    till.sell()
    put_back(branch, copy_books(branch))
    branch.shop.do("products.update", product_id=till.glass, price_minor=5_500)
    branch.line.heal()
    failpoints.arm("renew.entry_moved=raise@2")
    with pytest.raises(failpoints.Injected):
        branch.worker.run_once()
    failpoints.arm("")
    branch.shop.do("products.update", product_id=till.glass, price_minor=6_000)
    settle(branch)
    assert {row.price_minor for row in at_hub(company, Product) if row.id == till.glass} == {6_000}
    assert differences(company, branch) == []


def test_a_hub_that_was_not_told_of_the_gathered_origin_hears_of_it_at_the_next_contact(company, shop):
    branch, till = shop
    branch.line.cut()
    till.sell()
    put_back(branch, copy_books(branch))
    fresh = again(branch, till).sell().result["sale_id"]
    branch.line.heal()
    failpoints.arm("renew.gathered=raise")
    with pytest.raises(failpoints.Injected):
        branch.worker.run_once()
    failpoints.arm("")
    settle(branch)
    assert fresh in {sale.id for sale in at_hub(company, Sale)}
    assert [row.reason for row in past(branch)] == ["restored", "gathered"]
    assert all(row.settled_at for row in past(branch))
    assert differences(company, branch) == []


def test_an_edit_that_was_with_the_hub_already_gives_way_to_the_owners(company, shop):
    branch, till = shop
    till.shop.do("products.update", product_id=till.glass, price_minor=5_500)
    branch.line.lose_replies()
    with pytest.raises(LinkDown):
        branch.worker.run_once()  # the hub has it, the shop does not know
    branch.line.cut()
    copy = copy_books(branch)
    form = {"product_id": till.glass, "price_minor": 6_500}
    perform(company.portal(), "products.update", form)
    put_back(branch, copy)
    assert branch.shop.row(Product, till.glass).price_minor == 5_500
    branch.line.heal()
    settle(branch)
    assert branch.shop.row(Product, till.glass).price_minor == 6_500
    assert differences(company, branch) == []
    branch.shop.do("products.update", product_id=till.glass, price_minor=7_000)
    settle(branch)
    assert {row.price_minor for row in at_hub(company, Product) if row.id == till.glass} == {7_000}


def test_whoever_edits_a_row_that_was_with_the_hub_already_has_seen_it(company, shop):
    branch, _ = shop
    made = branch.shop.do("products.create", name="Cable", category="Cables", price_minor=1_000)["id"]
    branch.line.lose_replies()
    with pytest.raises(LinkDown):
        branch.worker.run_once()
    branch.line.cut()
    put_back(branch, copy_books(branch))
    branch.line.heal()
    settle(branch)
    branch.shop.do("products.update", product_id=made, brand="Oraimo")  # left empty when it was made
    entry = max(journal(branch), key=lambda row: row.n if row.origin_id == branch.shop.home.origin_id else 0)
    (change,) = [row[1] for block in orjson.loads(entry.body)["rows"] for row in block[3]]
    assert change[2] > 0
    branch.sync()
    assert differences(company, branch) == []


def test_a_drawer_closed_in_the_lost_past_is_closed_again_and_the_new_one_stays_open(company, shop):
    branch, till = shop
    copy = copy_books(branch)
    (drawer,) = branch.shop.rows(DrawerSession)
    branch.shop.do("cash.close_drawer", role=Role.STAFF, drawer_session_id=drawer.id, counted=50_000)
    branch.shop.do("cash.open_drawer", role=Role.STAFF, opening_float=10_000)
    branch.sync()
    put_back(branch, copy)
    again(branch, till).sell()  # into the drawer that the lost past has closed
    settle(branch)
    open_now = [row for row in branch.shop.rows(DrawerSession) if row.is_open]
    assert len(branch.shop.rows(DrawerSession)) == 2
    assert [row.opening_float_minor for row in open_now] == [10_000]
    assert differences(company, branch) == []


def test_a_reply_that_was_lost_begins_no_second_origin(company, shop):
    branch, till = shop
    copy = copy_books(branch)
    till.sell()
    branch.sync()
    put_back(branch, copy)
    branch.line.lose_replies()
    for _ in range(3):
        with pytest.raises(LinkDown):
            branch.worker.run_once()
    branch.line.heal()
    settle(branch)
    with company.hub.database.session(company.tenant_id) as session:
        origins = session.connection().exec_driver_sql(
            "SELECT count(*) FROM origin WHERE shop_id = %s", (branch.shop.home.shop_id,)
        )
        assert origins.scalar() == 2
    assert differences(company, branch) == []


def test_a_restart_in_the_middle_of_settling_goes_on(company, shop):
    branch, till = shop
    branch.line.cut()
    for _ in range(5):
        till.sell()
    copy = copy_books(branch)
    put_back(branch, copy)
    reopen(branch)
    branch.line.heal()
    settle(branch)
    assert len(at_hub(company, Sale)) == 5
    assert differences(company, branch) == []


def test_the_same_request_after_a_restore_is_the_same_sale(company, shop):
    branch, till = shop
    branch.line.cut()
    form = {"items": [{"product_id": till.glass}], "payments": [{"method": "cash", "amount": 5_000}]}
    action_id = branch.shop.home.new_id()
    first = branch.shop.perform("sales.sell", form, action_id=action_id)
    put_back(branch, copy_books(branch))
    branch.line.heal()
    settle(branch)
    again_ = branch.shop.perform("sales.sell", form, action_id=action_id)
    assert again_.result == first.result
    assert len(branch.shop.rows(Sale)) == 1


def test_settling_moves_many_entries_a_bounded_part_at_a_time(company, shop, monkeypatch):
    monkeypatch.setattr("shopnode.domain.settling.ENTRIES_AT_ONCE", 3)
    monkeypatch.setattr("shopnode.domain.settling.MARKS_AT_ONCE", 2)
    branch, till = shop
    branch.line.cut()
    for price in range(10):
        till.shop.do("products.update", product_id=till.glass, price_minor=5_000 + price)
        till.shop.do("products.update", product_id=till.charger, price_minor=35_000 + price)
    put_back(branch, copy_books(branch))
    branch.line.heal()
    settle(branch)
    with branch.shop.home.reading() as session:
        moved = session.scalar(select(func.count()).where(JournalEntry.origin_id == branch.shop.home.origin_id))
    assert moved == 20
    assert differences(company, branch) == []


def test_a_file_for_the_hub_is_refused_in_words_until_the_restore_is_settled(shop):
    branch, till = shop
    put_back(branch, copy_books(branch))
    again(branch, till).sell()
    with pytest.raises(MustMeetFirst, match="reach the hub over the internet once"):
        branch.worker.save_file(io.BytesIO())
    settle(branch)
    branch.worker.save_file(io.BytesIO())


def test_a_shop_that_was_never_enrolled_only_takes_a_new_series(company, shop):
    branch, _ = shop
    home = branch.shop.home
    renew(home, "restored")
    assert home.series.startswith("KLA1-")
    before = home.series
    renew(home, "restored")
    assert home.series.startswith("KLA1-")
    assert len(home.series) == len(before)
    assert home.series != before


def test_an_edit_the_hub_got_after_it_was_asked_is_a_duplicate_under_the_new_origin(company, shop, monkeypatch):
    """A late request brought it between the comparing and the sending: it has no second effect."""
    branch, till = shop
    ctx = branch.shop.ctx(Role.OWNER)
    edited = perform(ctx, "products.update", {"product_id": till.glass, "price_minor": 6_000})
    branch.sync()
    owners = {"product_id": till.glass, "price_minor": 7_000}
    perform(company.portal(), "products.update", owners)
    asked = "shopnode.sync.renew.find_common"
    monkeypatch.setattr(asked, lambda ask, witnesses_of, head_n: ask(witnesses_of([head_n - 1]))[0])
    renew(branch.shop.home, "restored")
    settle(branch)

    entries = [entry for entry in at_hub(company, JournalEntry) if entry.action == "products.update"]
    ours = [entry.verdict for entry in entries if entry.entry_id == edited.action_id]
    assert sorted(ours, key=str) == [None, "duplicate"]
    assert next(row.price_minor for row in at_hub(company, Product) if row.id == till.glass) == 7_000
    assert differences(company, branch) == []

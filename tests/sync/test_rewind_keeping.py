"""What a shop keeps of the hub's word, for how long, and how far back that reaches."""

from __future__ import annotations

from sqlalchemy import text

from cloudhub.hub import Hub
from cloudhub.merge.lives import begin_new_life
from cloudhub.merge.models import ReturnedLine
from shopnode.domain import failpoints
from shopnode.domain.actions import perform
from shopnode.domain.catalogue.models import Product
from shopnode.domain.node import Installation
from shopnode.domain.sales.models import Sale
from shopnode.sync import returned
from shopnode.sync.models import FeedPage
from shopnode.sync.models import ReturnedLine as KeptLine
from shopnode.sync.models import ReturnedPage as KeptPage
from shopnode.sync.returned import KEPT_MS
from tests.domain.till import Till
from tests.hub_server import copy_hub
from tests.hub_server import put_back as put_hub_back
from tests.sync.chain_of_shops import Branch, Company
from tests.sync.restoring import settle
from tests.sync.sameness import differences
from tests.sync.test_rewind import BACKUP, Restore, assert_calm, at_hub, restore, sell, set_price
from tests.sync.test_rewind_together import branch, lose_a_day, till

assert restore and branch and till  # fixtures


def test_signatures_are_kept_for_a_while_and_as_long_as_no_backup_holds_what_was_sent(
    company: Company, hub: Hub, branch: Branch, till: Till
) -> None:
    sell(till)
    settle(branch)
    pages = len(branch.shop.rows(FeedPage))
    branch.shop.clock.advance(KEPT_MS - 60_000)
    returned.prune(branch.worker._signed_line())
    assert len(branch.shop.rows(FeedPage)) == pages

    branch.shop.clock.advance(120_000)
    returned.prune(branch.worker._signed_line())
    assert all(page.accepted_n > 0 for page in branch.shop.rows(FeedPage))
    assert 0 < len(branch.shop.rows(FeedPage)) < pages

    with branch.shop.home.writing() as session:
        session.execute(text("UPDATE hub_link SET durable_n = accepted_n"))
    returned.prune(branch.worker._signed_line())
    assert branch.shop.rows(FeedPage) == []


def test_what_was_given_back_is_kept_for_a_while(company: Company, hub: Hub, branch: Branch, till: Till) -> None:
    lose_a_day(company, branch, till, hub)
    put_hub_back(hub, BACKUP)
    settle(branch)
    assert branch.shop.rows(KeptLine)

    branch.shop.clock.advance(KEPT_MS + 60_000)
    returned.prune(branch.worker._signed_line())

    assert branch.shop.rows(KeptLine) == [] == branch.shop.rows(KeptPage)


def test_a_shop_that_began_from_a_snapshot_goes_back_to_where_it_began(
    company: Company, hub: Hub, branch: Branch, till: Till, restore: Restore
) -> None:
    copy_hub(hub, BACKUP)
    with branch.shop.home.writing() as session:  # what a snapshot leaves of the feed: the marks
        session.execute(text("DELETE FROM feed_line"))
        session.execute(text("DELETE FROM feed_page"))
        (began,) = session.execute(text("SELECT max(no) FROM stream_mark")).one()
    for price in (6_000, 7_000):
        set_price(company, till, price)
        settle(branch)
    lost = sell(till, 7_000)
    settle(branch)
    restore()
    cursors = []

    def note(place: str) -> None:
        if place == "rewind.after_commit":
            cursors.append(branch.shop.rows(Installation)[0].seen)

    failpoints.watch(note)
    branch.worker.run_once()
    failpoints.watch(None)

    settle(branch)

    assert cursors == [began]
    assert {row.id for row in at_hub(company, Sale)} == {lost}
    assert at_hub(company, Product, Product.id == till.glass)[0].price_minor == 7_000
    assert differences(company, branch) == {}
    assert_calm(company)


def test_a_second_restore_may_go_back_further_than_the_first(
    company: Company, hub: Hub, branch: Branch, till: Till, restore: Restore
) -> None:
    copy_hub(hub, BACKUP)
    set_price(company, till, 6_000)
    copy_hub(hub, f"{BACKUP}_later")
    set_price(company, till, 7_000)
    perform(company.portal(), "products.update", {"product_id": till.charger, "price_minor": 33_000})
    settle(branch)  # all of it in one page
    put_hub_back(hub, f"{BACKUP}_later")
    begin_new_life(hub, "restored")
    settle(branch)
    assert at_hub(company, Product, Product.id == till.glass)[0].price_minor == 7_000
    with branch.shop.home.writing() as session:
        session.execute(text("DELETE FROM returned_line"))  # given back long ago
    restore()

    settle(branch)

    assert at_hub(company, Product, Product.id == till.glass)[0].price_minor == 7_000
    assert at_hub(company, Product, Product.id == till.charger)[0].price_minor == 33_000
    given = {row.no for row in at_hub(company, ReturnedLine)}
    assert len(given) >= 3  # the price between the two backups, too
    assert differences(company, branch) == {}

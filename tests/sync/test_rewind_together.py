"""A restored hub among other misfortunes: restored shops, pulled plugs, lost replies, computers that stay away."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import pytest
from sqlalchemy import select, text

from cloudhub.hub import Hub
from cloudhub.merge.conflicts import open_exceptions
from cloudhub.merge.models import Origin
from cloudhub.tenancy.logins import set_portal_password, sign_in
from shopnode.domain import failpoints
from shopnode.domain.actions import perform
from shopnode.domain.catalogue.models import Product
from shopnode.domain.customers.models import Customer
from shopnode.domain.people.passwords import verify_secret
from shopnode.domain.people.queries import password_hash_of
from shopnode.domain.sales.models import Sale, SaleDecision
from shopnode.sync import returned
from shopnode.sync.models import HubLink
from shopnode.sync.transport import LinkDown
from tests.domain.till import Till, open_till
from tests.hub_server import copy_hub
from tests.hub_server import put_back as put_hub_back
from tests.sync.chain_of_shops import PASSWORD, Branch, Company
from tests.sync.restoring import copy_books, put_back, reopen, settle
from tests.sync.sameness import differences
from tests.sync.test_rewind import BACKUP, Restore, assert_calm, at_hub, restore, sell, set_price

assert restore  # the fixture

PLUGS = {
    "at the node": ["rewind.compared", "rewind.before_commit", "rewind.after_commit", "fork.answered"],
    "at the hub": ["hub.life_begun", "hub.before_readmitted", "hub.admitted", "hub.answered"],
    "with the answer": ["push.answered", "push.ack_stored", "pull.line_applied", "pull.before_commit"],
}


@pytest.fixture(autouse=True)
def no_plug() -> Iterator[None]:
    yield
    failpoints.arm("")


@pytest.fixture
def branch(company: Company) -> Branch:
    return company.open_branch("KLA")


@pytest.fixture
def till(branch: Branch) -> Till:
    made = open_till(branch.shop)
    settle(branch)
    return made


def lose_a_day(company: Company, branch: Branch, till: Till, hub: Hub) -> list[str]:
    """A backup, and then work on both sides that is not in it; returns the sales."""
    before = sell(till)
    settle(branch)
    copy_hub(hub, BACKUP)
    sales = [before]
    for price in (5_100, 5_200, 5_300):
        sales.append(sell(till, price - 100))
        settle(branch)
        set_price(company, till, price)
        perform(company.portal(), "sales.approve", {"sale_id": sales[-1]})
        settle(branch)
    return sales


def assert_whole(
    company: Company, branch: Branch, till: Till, sales: list[str], decided: set[str] | None = None
) -> None:
    assert {row.id for row in at_hub(company, Sale)} == set(sales)
    assert {row.sale_id for row in at_hub(company, SaleDecision)} == {*sales[-3:], *(decided or ())}
    assert at_hub(company, Product, Product.id == till.glass)[0].price_minor == 5_300
    assert differences(company, branch) == {}
    assert_calm(company)


@pytest.mark.parametrize("where", PLUGS)
def test_a_plug_pulled_anywhere_loses_nothing(
    company: Company, hub: Hub, branch: Branch, till: Till, where: str
) -> None:
    branch.shop.do("stock.adjust", product_id=till.glass, quantity=40, reason="a large box", kind="opening")
    for plug in PLUGS[where]:
        sales = [row.id for row in at_hub(company, Sale)]
        decided = {row.sale_id for row in at_hub(company, SaleDecision)}
        sales += lose_a_day(company, branch, till, hub)
        put_hub_back(hub, BACKUP)
        failpoints.arm(f"{plug}=raise")
        with pytest.raises(Exception):  # noqa: B017 — at the hub it is "unavailable", at the node what was injected
            branch.worker.run_once()
        failpoints.arm("")
        reopen(branch)
        till.shop = branch.shop

        settle(branch)

        assert_whole(company, branch, till, sales, decided)
        set_price(company, till, 5_000)
        settle(branch)


def test_replies_that_are_lost_all_the_way_double_nothing(
    company: Company, hub: Hub, branch: Branch, till: Till, restore: Restore
) -> None:
    sales = lose_a_day(company, branch, till, hub)
    restore()
    for cut in range(12):
        passed = 0

        def lose(target: str, through, cut: int = cut):  # type: ignore[no-untyped-def]
            nonlocal passed
            answer = through()
            passed += 1
            if passed > cut // 2:
                raise LinkDown("reply lost")
            return answer

        branch.line.fault = lose
        with suppress(LinkDown):
            branch.worker.run_once()
    branch.line.heal()

    settle(branch)

    assert_whole(company, branch, till, sales)


@pytest.mark.parametrize("first", ["shop", "hub"])
def test_a_shop_and_the_hub_restored_together_miss_only_what_neither_had(
    company: Company, hub: Hub, branch: Branch, till: Till, restore: Restore, first: str
) -> None:
    kept = sell(till)
    settle(branch)
    if first == "shop":
        books = copy_books(branch)
    else:
        copy_hub(hub, BACKUP)
    between = sell(till)
    set_price(company, till, 6_000)
    settle(branch)
    if first == "shop":
        copy_hub(hub, BACKUP)
    else:
        books = copy_books(branch)
    gone = sell(till, 6_000)
    settle(branch)
    restore()
    put_back(branch, books)
    new = sell(Till(branch.shop, till.glass, till.charger, till.phone, till.units), 5_000 if first == "shop" else 6_000)

    settle(branch)

    assert {row.id for row in at_hub(company, Sale)} == {kept, between, new}
    assert gone not in {row.id for row in branch.shop.rows(Sale)}
    assert at_hub(company, Product, Product.id == till.glass)[0].price_minor == 6_000
    assert len({row.number for row in at_hub(company, Sale)}) == 3
    assert differences(company, branch) == {}
    assert_calm(company)


def test_what_a_dead_shop_wrote_comes_back_from_another(
    company: Company, hub: Hub, branch: Branch, till: Till, restore: Restore
) -> None:
    dead = company.open_branch("JJA")
    settle(branch, dead)
    copy_hub(hub, BACKUP)
    dead.shop.do("customers.create", name="Nakato Grace", phone="+256772000111")
    dead.shop.do("products.update", product_id=till.glass, price_minor=6_000)
    settle(dead, branch)
    restore()

    settle(branch)  # and the other computer never comes back

    assert [row.name for row in at_hub(company, Customer)] == ["Nakato Grace"]
    assert at_hub(company, Product, Product.id == till.glass)[0].price_minor == 6_000
    assert differences(company, branch) == {}
    assert_calm(company)

    settle(dead, branch)  # or does, after all

    assert len(at_hub(company, Customer)) == 1
    assert differences(company, branch) == {} == differences(company, dead)
    assert_calm(company)


def test_a_personal_value_that_was_erased_stays_erased(
    company: Company, hub: Hub, branch: Branch, till: Till, restore: Restore
) -> None:
    dead = company.open_branch("JJA")
    settle(branch, dead)
    copy_hub(hub, BACKUP)
    dead.shop.do("customers.create", name="Nakato Grace", phone="+256772000111")
    settle(dead, branch)
    with branch.shop.home.writing() as session:
        session.execute(text("UPDATE feed_line SET personal = NULL"))
    restore()

    settle(branch)

    (customer,) = at_hub(company, Customer)
    assert (customer.name, customer.phone) == ("", None)


def test_small_pieces_keep_the_order(
    company: Company, hub: Hub, branch: Branch, till: Till, restore: Restore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given back a line at a time, between the shop's own decisions."""
    monkeypatch.setattr(returned, "LINES_MAX", 1)
    sale = sell(till)
    settle(branch)
    copy_hub(hub, BACKUP)
    for _ in range(3):
        perform(company.portal(), "sales.lock", {"sale_id": sale})
        settle(branch)
        branch.shop.do("sales.unlock", sale_id=sale)
        settle(branch)
    perform(company.portal(), "sales.lock", {"sale_id": sale})
    settle(branch)
    kinds = [row.kind for row in sorted(at_hub(company, SaleDecision), key=lambda row: row.feed_no)]
    restore()

    settle(branch)

    assert [row.kind for row in sorted(at_hub(company, SaleDecision), key=lambda row: row.feed_no)] == kinds
    assert differences(company, branch) == {}
    assert_calm(company)


def test_a_correction_that_knew_of_the_lock_is_not_listed(
    company: Company, hub: Hub, branch: Branch, till: Till, restore: Restore
) -> None:
    sale = sell(till)
    settle(branch)
    copy_hub(hub, BACKUP)
    perform(company.portal(), "sales.lock", {"sale_id": sale})
    perform(company.portal(), "sales.unlock", {"sale_id": sale})
    settle(branch)
    branch.shop.do("sales.amend", sale_id=sale, reason="to be explained", notes="a note")
    settle(branch)
    restore()

    settle(branch)

    assert differences(company, branch) == {}
    assert_calm(company)


def test_a_sale_undone_at_both_ends_is_undone_once_and_listed_once(
    company: Company, hub: Hub, branch: Branch, till: Till, restore: Restore
) -> None:
    sale = sell(till)
    settle(branch)
    copy_hub(hub, BACKUP)
    perform(company.portal(), "sales.reverse", {"sale_id": sale, "reason": "brought back", "restock": "resell"})
    branch.shop.do("sales.reverse", sale_id=sale, reason="brought back here", restock="scrap")
    settle(branch)
    before = [found.kind for found in _exceptions(company)]
    restore()

    settle(branch)

    assert [found.kind for found in _exceptions(company)] == before == ["acted_twice"]
    assert len(at_hub(company, SaleDecision)) == 1
    assert differences(company, branch) == {}


def _exceptions(company: Company) -> list:  # type: ignore[type-arg]
    with company.hub.home(company.tenant_id).reading() as session:
        return open_exceptions(session)


@pytest.mark.parametrize("where", ["shop", "portal"])
def test_the_password_of_the_lost_day_holds_everywhere(
    company: Company, hub: Hub, branch: Branch, till: Till, restore: Restore, where: str
) -> None:
    copy_hub(hub, BACKUP)
    if where == "shop":
        form = {"staff_id": company.owner.id, "current_password": PASSWORD, "new_password": "a much newer secret"}
        branch.shop.do("staff.set_password", form)
    else:
        set_portal_password(hub, company.tenant_id, company.owner.id, "a much newer secret")
    settle(branch)
    restore()

    settle(branch)

    with hub.database.session(company.tenant_id, read_only=True) as session:
        email = session.execute(text("SELECT email FROM portal_login")).scalar_one()
    with branch.shop.home.reading() as session:
        kept = password_hash_of(session, company.owner.id, branch.shop.home.shop_id)
    assert verify_secret(kept, "a much newer secret")
    # A shop's computer never changes an owner's way into the portal.
    assert sign_in(hub, email, PASSWORD if where == "shop" else "a much newer secret")
    assert differences(company, branch) == {}


def test_a_durable_ack_goes_back_to_what_the_backup_holds(
    company: Company, hub: Hub, branch: Branch, till: Till, restore: Restore
) -> None:
    sell(till)
    settle(branch)
    with hub.database.session(company.tenant_id) as session:
        session.execute(text("UPDATE origin SET durable_n = head_n"))
    settle(branch)
    held = durable(branch)
    copy_hub(hub, BACKUP)
    sell(till)
    settle(branch)
    with hub.database.session(company.tenant_id) as session:
        session.execute(text("UPDATE origin SET durable_n = head_n"))
    settle(branch)
    assert durable(branch) > held
    restore()

    settle(branch)

    assert durable(branch) == held > 0
    assert at_hub(company, Origin, Origin.id == branch.shop.home.origin_id)[0].durable_n == held


def durable(branch: Branch) -> int:
    with branch.shop.home.reading() as session:
        return session.scalars(select(HubLink.durable_n)).one()

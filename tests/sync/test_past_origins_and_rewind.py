"""A shop was restored and settled; then its hub was restored, too, and lost entries of the shop's earlier origin."""

from __future__ import annotations

from sqlalchemy import select

from cloudhub.hub import Hub
from cloudhub.merge.models import Origin
from shopnode.domain.catalogue.models import Product
from shopnode.domain.sales.models import Sale
from shopnode.machine.examinations import chain_breaks
from tests.domain.till import Till, open_till
from tests.hub_server import copy_hub
from tests.sync.chain_of_shops import Branch, Company
from tests.sync.restoring import copy_books, past, put_back
from tests.sync.sameness import differences
from tests.sync.test_rewind import BACKUP, Restore, assert_calm, at_hub, restore, sell, set_price, settle

assert restore  # the fixture


def again(branch: Branch, till: Till) -> Till:
    return Till(branch.shop, till.glass, till.charger, till.phone, till.units)


def test_entries_of_an_earlier_origin_that_the_hub_lost_are_sent_again(
    company: Company, hub: Hub, restore: Restore
) -> None:
    branch = company.open_branch("KLA")
    till = open_till(branch.shop)
    sold = [sell(till)]
    settle(branch)
    copy_hub(hub, BACKUP)
    sold.append(sell(till))
    branch.shop.do("products.update", product_id=till.charger, price_minor=36_000)
    settle(branch)  # under the first origin, and applied here
    put_back(branch, copy_books(branch))
    sold.append(sell(again(branch, till)))
    settle(branch)  # under the second one; the first is settled
    assert all(row.settled_at for row in past(branch))
    restore()
    settle(branch)

    assert {row.id for row in at_hub(company, Sale)} == set(sold)
    assert at_hub(company, Product, Product.id == till.charger)[0].price_minor == 36_000
    assert differences(company, branch) == {}
    with branch.shop.home.reading() as session:
        assert chain_breaks(session)[1] == []
    assert_calm(company)
    set_price(company, till, 6_000)
    settle(branch)
    assert branch.shop.row(Product, till.glass).price_minor == 6_000


def test_a_hub_that_knows_the_new_origin_no_more_is_told_of_it(company: Company, hub: Hub, restore: Restore) -> None:
    branch = company.open_branch("KLA")
    till = open_till(branch.shop)
    settle(branch)
    copy_hub(hub, BACKUP)
    put_back(branch, copy_books(branch))
    settle(branch)
    sold = sell(again(branch, till))
    settle(branch)
    restore()
    settle(branch)
    assert {row.id for row in at_hub(company, Sale)} == {sold}
    with company.hub.database.session(company.tenant_id) as session:
        heads = {row.id: row.head_n for row in session.execute(select(Origin.id, Origin.head_n))}
    assert heads[branch.shop.home.origin_id] == 1
    assert differences(company, branch) == {}

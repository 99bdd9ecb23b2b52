"""Duplicates merged at two homes that do not hear each other: every home reads the same one in the end."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from cloudhub.merge.conflicts import open_exceptions
from shopnode.domain.actions import perform
from shopnode.domain.aliases.models import Alias
from shopnode.domain.catalogue.models import Product
from shopnode.domain.catalogue.queries import products_by_code, search_products
from shopnode.domain.context import Context
from shopnode.domain.customers.models import Customer
from shopnode.domain.errors import Invalid
from shopnode.domain.sales.queries import SaleFilter, list_sales
from tests.domain.till import open_till
from tests.sync.chain_of_shops import Branch, Company

GLASS = {"category": "Accessories", "price_minor": 5_000}


@pytest.fixture
def pair(company: Company) -> tuple[Company, Branch, Branch, str, str]:
    """Two shops, and one product that was typed twice."""
    kampala, jinja = company.open_branch("KLA"), company.open_branch("JJA")
    one = kampala.shop.do("products.create", name="Glass", sku="GL-1", **GLASS)["id"]
    kampala.sync()
    two = jinja.shop.do("products.create", name="Tempered glass", sku="TG-1", **GLASS)["id"]
    settle(kampala, jinja)
    return company, kampala, jinja, one, two


def settle(*branches: Branch) -> None:
    for branch in (*branches, *branches):
        branch.sync()


def at_hub(company: Company, model):
    with company.hub.home(company.tenant_id).reading() as session:
        return list(session.scalars(select(model)))


def merged(rows) -> dict[str, str]:
    return {row.id: row.merged_into for row in rows if row.merged_into}


def told(company: Company) -> dict[str, str]:
    with company.hub.home(company.tenant_id).reading() as session:
        return {row.kind: row.sentence for row in open_exceptions(session)}


def test_two_owners_who_merge_in_opposite_directions_read_the_same_one_everywhere(pair) -> None:
    company, kampala, jinja, one, two = pair
    kampala.shop.do("products.merge", duplicate_id=one, into_id=two)
    jinja.shop.do("products.merge", duplicate_id=two, into_id=one)
    assert merged(kampala.shop.rows(Product)) == {one: two}
    assert merged(jinja.shop.rows(Product)) == {two: one}

    settle(jinja, kampala)  # Jinja is heard first

    homes = [at_hub(company, Product), kampala.shop.rows(Product), jinja.shop.rows(Product)]
    assert [merged(rows) for rows in homes] == [{two: one}] * 3
    for home in (company.portal(), kampala.shop.ctx(), jinja.shop.ctx()):
        with home.home.reading() as session:
            ctx = home.inside(session)
            for text in ("GL-1", "TG-1"):
                assert [view.id for view in products_by_code(ctx, text)] == [one]
            assert [view.id for view in search_products(ctx, "tempered").rows] == [one]
    assert told(company) == {
        "merged_crosswise": "Glass was merged into another record that had been merged into it already. Glass is kept."
    }


def test_one_duplicate_merged_into_two_different_ones_is_told_and_ends_alike(pair) -> None:
    company, kampala, jinja, one, two = pair
    third = kampala.shop.do("products.create", name="Third glass", **GLASS)["id"]
    settle(kampala, jinja)
    kampala.shop.do("products.merge", duplicate_id=one, into_id=two)
    jinja.shop.do("products.merge", duplicate_id=one, into_id=third)
    settle(kampala, jinja)

    homes = [at_hub(company, Product), kampala.shop.rows(Product), jinja.shop.rows(Product)]
    assert [merged(rows) for rows in homes] == [{one: two}] * 3
    assert {row.into_id for branch in (kampala, jinja) for row in branch.shop.rows(Alias)} == {two}
    assert set(told(company)) == {"merged_twice"}


def test_the_owners_merge_of_a_customer_reaches_the_shops_and_gathers_the_purchases(company: Company) -> None:
    kampala, jinja = company.open_branch("KLA"), company.open_branch("JJA")
    tills = [open_till(kampala.shop), open_till(jinja.shop)]
    grace = kampala.shop.do("customers.create", name="Grace", phone="+256772000001")["id"]
    twin = jinja.shop.do("customers.create", name="Grace N.", phone="+256782000002")["id"]
    bought = [till.sell(customer_id=who).result["sale_id"] for till, who in zip(tills, (grace, twin), strict=True)]
    settle(kampala, jinja)

    perform(company.portal(), "customers.merge", {"duplicate_id": twin, "into_id": grace})
    settle(kampala, jinja)

    portal: Context = company.portal()
    with portal.home.reading() as session:
        found = list_sales(portal.inside(session), SaleFilter(customer_id=grace)).rows
    assert {row.sale_id for row in found} == set(bought)
    with jinja.shop.reading() as ctx:
        assert [row.sale_id for row in list_sales(ctx, SaleFilter(customer_id=grace)).rows] == [bought[1]]
    homes = [at_hub(company, Customer), kampala.shop.rows(Customer), jinja.shop.rows(Customer)]
    assert [merged(rows) for rows in homes] == [{twin: grace}] * 3


def test_a_product_for_one_shop_is_known_everywhere_and_offered_there_alone(pair) -> None:
    company, kampala, jinja, one, _ = pair
    form = {"product_id": one, "only_shop_id": kampala.shop.home.shop_id}
    perform(company.portal(), "products.update", form)
    settle(kampala, jinja)

    assert [row.name for row in jinja.shop.rows(Product, id=one)] == ["Glass"]
    offers = {}
    for branch in (kampala, jinja):
        with branch.shop.reading() as ctx:
            offers[branch.shop.home.shop_id] = [view.id for view in products_by_code(ctx, "GL-1")]
            assert one not in [view.id for view in search_products(ctx, "glass").rows] or branch is kampala
    assert offers == {kampala.shop.home.shop_id: [one], jinja.shop.home.shop_id: []}
    jinja.shop.do("cash.open_drawer", opening_float=0)
    with pytest.raises(Invalid, match="sold in another shop only"):
        jinja.shop.do("sales.sell", items=[{"product_id": one}], payments=[{"method": "cash", "amount": 5_000}])

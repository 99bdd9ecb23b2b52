"""Which price holds: the customer's list and the quantity (rule 34). Lists are kept at either home."""

from __future__ import annotations

import pytest

from shopnode.domain.errors import ApprovalNeeded, Invalid, NotFound, NotPermitted
from shopnode.domain.permissions import Role
from shopnode.domain.pricing.models import RETAIL, Price
from shopnode.domain.pricing.rules import Break, price_for
from shopnode.domain.sales.models import SaleLine
from tests.domain.counting import lines, summary, table
from tests.domain.till import Till, open_till
from tests.shop import Shop


@pytest.fixture
def till(shop: Shop) -> Till:
    return open_till(shop)


def wholesale(till: Till, *steps: tuple[int, int]) -> tuple[str, str]:
    """A list with prices of the glass by quantity, and a customer who buys at it."""
    list_id = till.shop.do("price_lists.create", name="Wholesale")["id"]
    for quantity, price in steps:
        form = {"list_id": list_id, "product_id": till.glass, "min_quantity": quantity, "price_minor": price}
        till.shop.do("price_lists.set_price", form)
    customer = till.shop.do("customers.create", name="Kato Traders", phone="0798 123 457")["id"]
    till.shop.do("price_lists.assign", customer_id=customer, list_id=list_id)
    return list_id, customer


def priced(till: Till, *items, **more) -> list[SaleLine]:
    done = till.sell(*items, pay=more.pop("pay", [{"method": "cash", "amount": 2_000_000}]), **more)
    return lines(till, done.result["sale_id"])


def test_rule_34_a_wholesale_customer_pays_the_list_and_it_is_no_discount(till):
    _, customer = wholesale(till, (1, 3_500))
    (line,) = priced(till, {"product_id": till.glass}, customer_id=customer)
    assert (line.unit_price_minor, line.list_price_minor) == (3_500, 3_500)  # below the floor, and no approval


def test_rule_34_everybody_else_pays_retail(till):
    wholesale(till, (1, 3_500))
    (line,) = priced(till, {"product_id": till.glass})
    assert line.unit_price_minor == 5_000


def test_rule_34_a_quantity_break_counts_all_pieces_of_the_ticket(till):
    till.shop.do("price_lists.set_price", product_id=till.glass, min_quantity=5, price_minor=4_500)
    assert [line.unit_price_minor for line in priced(till, {"product_id": till.glass, "quantity": 4})] == [5_000]
    two = priced(till, {"product_id": till.glass, "quantity": 3}, {"product_id": till.glass, "quantity": 2})
    assert [line.unit_price_minor for line in two] == [4_500, 4_500]


def test_rule_34_phones_scanned_one_by_one_count_together(till):
    till.shop.do("price_lists.set_price", product_id=till.phone, min_quantity=2, price_minor=630_000)
    two = priced(till, {"device_id": till.units[0]}, {"device_id": till.units[1]})
    assert [line.unit_price_minor for line in two] == [630_000, 630_000]


def test_rule_34_where_the_list_is_silent_the_breaks_for_everybody_hold(till):
    _, customer = wholesale(till, (10, 3_000))
    till.shop.do("price_lists.set_price", product_id=till.glass, min_quantity=2, price_minor=4_500)
    few = priced(till, {"product_id": till.glass, "quantity": 2}, customer_id=customer)
    many = priced(till, {"product_id": till.glass, "quantity": 10}, customer_id=customer)
    assert [line.unit_price_minor for line in (*few, *many)] == [4_500, 3_000]


def test_a_price_typed_at_the_counter_is_measured_against_the_list(till):
    _, customer = wholesale(till, (1, 4_500))
    (line,) = priced(till, {"product_id": till.glass, "unit_price": 4_200}, customer_id=customer)
    assert (line.unit_price_minor, line.list_price_minor) == (4_200, 4_500)
    with pytest.raises(ApprovalNeeded):
        priced(till, {"product_id": till.glass, "unit_price": 3_900}, customer_id=customer)


def test_a_price_that_is_struck_out_and_a_list_that_is_archived_no_longer_hold(till):
    list_id, customer = wholesale(till, (1, 3_500), (2, 3_000))
    till.shop.do("price_lists.set_price", list_id=list_id, product_id=till.glass, min_quantity=2)
    (line,) = priced(till, {"product_id": till.glass, "quantity": 2}, customer_id=customer)
    assert line.unit_price_minor == 3_500
    till.shop.do("price_lists.archive", list_id=list_id)
    (line,) = priced(till, {"product_id": till.glass}, customer_id=customer)
    assert line.unit_price_minor == 5_000


def test_rule_28_a_later_price_changes_no_ticket(till):
    list_id, customer = wholesale(till, (1, 3_500))
    done = till.sell({"product_id": till.glass}, pay=[{"method": "cash", "amount": 3_500}], customer_id=customer)
    form = {"list_id": list_id, "product_id": till.glass, "min_quantity": 1, "price_minor": 9_000}
    till.shop.do("price_lists.set_price", form)
    assert summary(till, done.result["sale_id"]).total_minor == 3_500


def test_a_break_for_everybody_begins_at_two_pieces(till):
    with pytest.raises(Invalid, match="at least 2"):
        till.shop.do("price_lists.set_price", product_id=till.glass, price_minor=4_000)


def test_rule_35_each_line_has_its_seller_and_the_cashier_may_be_another(till):
    brian, owner = till.shop.supervisor.id, till.shop.owner.id
    two = priced(till, {"product_id": till.glass, "seller_id": brian}, {"product_id": till.charger}, seller_id=owner)
    assert [line.seller_id for line in two] == [brian, None]
    with pytest.raises(NotFound, match="seller"):
        priced(till, {"product_id": till.glass, "seller_id": till.glass})


def test_rule_29_the_warranty_is_copied_on_the_line_with_its_words(till):
    till.shop.do("products.update", product_id=till.phone, warranty_days=90)
    (line,) = priced(till, {"device_id": till.units[0]})
    till.shop.do("products.update", product_id=till.phone, warranty_days=10)
    assert till.shop.row(SaleLine, line.id).warranty_days == 90


def test_rule_36_a_warranty_of_some_value_names_its_customer(till):
    till.shop.do("settings.change", key="customer_above_minor", value=500_000)
    with pytest.raises(Invalid, match="customer_id"):
        priced(till, {"device_id": till.units[0]})
    priced(till, {"product_id": till.glass})


@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.STAFF])
def test_only_the_owner_sets_prices(till, role):
    with pytest.raises(NotPermitted):
        till.shop.do("price_lists.set_price", role=role, product_id=till.glass, min_quantity=5, price_minor=1)


LISTS = {"wholesale": ((1, 4_200), (10, 3_800)), "dealers": ((20, 3_000),), RETAIL: ((5, 4_500),)}
STEPS = [Break(name, pieces, price) for name, steps in LISTS.items() for pieces, price in steps]


@pytest.mark.parametrize(("name", "pieces", "price"), table("prices.md", 0))
def test_the_page_on_prices(name, pieces, price):
    assert price_for(5_000, STEPS, name or None, int(pieces)) == int(price)


# --- at either home


def test_lists_are_kept_at_either_home(anywhere):
    made = anywhere.do("price_lists.create", name="Wholesale")["id"]
    with pytest.raises(Invalid, match="another price list"):
        anywhere.do("price_lists.create", name="wholesale")
    anywhere.do("price_lists.rename", list_id=made, name="Dealers")
    product = anywhere.do("products.create", name="Glass", category="Glass", price_minor=5_000)["id"]
    form = {"list_id": made, "product_id": product, "min_quantity": 3}
    one = anywhere.do("price_lists.set_price", form, price_minor=4_000)["id"]
    assert anywhere.do("price_lists.set_price", form, price_minor=4_200)["id"] == one
    anywhere.do("price_lists.set_price", form)
    assert [(row.price_minor, row.archived_at is None) for row in anywhere.rows(Price)] == [(4_200, False)]
    anywhere.do("price_lists.archive", list_id=made)
    with pytest.raises(NotFound):
        anywhere.do("price_lists.set_price", form, price_minor=4_000)


def test_rule_34_what_a_correction_adds_for_a_wholesale_customer_has_the_price_of_their_list(till):
    _, customer = wholesale(till, (1, 3_500))
    sold = till.sell({"product_id": till.charger}, pay=[{"method": "cash", "amount": 35_000}], customer_id=customer)
    items = [{"product_id": till.charger}, {"product_id": till.glass}]
    paid = [{"method": "cash", "amount": 38_500}]
    done = till.shop.do("sales.amend", sale_id=sold.result["sale_id"], reason="forgot it", items=items, payments=paid)
    assert done["total"] == 38_500


def test_who_may_not_change_prices_gives_no_customer_a_cheaper_list(till: Till) -> None:
    """By the customer's own form either: a list is a lower price for each of their sales."""
    list_id, customer = wholesale(till, (1, 3_500))
    with pytest.raises(NotPermitted):
        till.shop.do("customers.create", role=Role.STAFF, name="Okello", phone="0798 123 458", price_list_id=list_id)
    other = till.shop.do("customers.create", role=Role.STAFF, name="Okello", phone="0798 123 458")["id"]
    with pytest.raises(NotPermitted):
        till.shop.do("customers.update", role=Role.SUPERVISOR, customer_id=other, price_list_id=list_id)
    till.shop.do(
        "customers.update", role=Role.SUPERVISOR, customer_id=customer, price_list_id=list_id, notes="Pays late."
    )

"""Stock as a whole on the office's screens: what to order, what it is worth, what moved, and what went back."""

from __future__ import annotations

import pytest

from shopnode.domain.buying.models import PurchaseOrder, SupplierReturn
from shopnode.domain.handsets.models import StockUnit
from shopnode.domain.people.models import Shop as ShopRow
from shopnode.domain.stock.models import StockMovement, TransferItem
from tests.domain.test_transfer_items import coming
from tests.domain.test_transfers import ELSEWHERE, hear_of
from tests.domain.till import IMEIS, Till, open_till
from tests.shop import Shop
from tests.web.conftest import Browser, words
from tests.web.test_office_buying import place


@pytest.fixture
def till(shop: Shop) -> Till:
    hear_of(shop, ShopRow(id=ELSEWHERE, name="Jinja", code="JJA", timezone="Africa/Kampala", vat_rate_bp=0))
    return open_till(shop)


def test_what_is_running_out_is_ordered_in_one_step(brian: Browser, till: Till) -> None:
    for product_id in (till.glass, till.charger, till.phone):
        till.shop.do("products.update", product_id=product_id, min_stock_level=0)
    assert "Nothing needs to be ordered" in words(brian.get("/reorder"))
    simba = till.shop.do("suppliers.create", name="Simba Telecom", lead_days=3)["id"]
    till.shop.do("products.update", product_id=till.glass, supplier_id=simba)
    till.shop.do("products.update", product_id=till.charger, min_stock_level=5)
    for _ in range(3):
        till.sell({"product_id": till.glass, "quantity": 3})
    shown = words(brian.get("/reorder"))
    assert "Simba Telecom" in shown and "Tempered glass" in shown and "From nobody in particular" in shown
    assert "22,000" not in shown
    none = brian.post("/reorder")
    assert none.status_code == 422 and "Tick whom you want to order from" in words(none)
    order = words(brian.get(place(brian.post("/reorder", supplier_id=simba))))
    assert "Draft" in order and "Tempered glass" in order
    assert len(till.shop.rows(PurchaseOrder)) == 1
    rest = brian.get("/orders/new?suggested=1").get_data(as_text=True)
    assert "Oraimo charger" in rest and "Tempered glass" not in rest
    assert "Tempered glass" in brian.get("/reorder?format=csv").get_data(as_text=True)


def test_a_long_list_of_what_to_order_shows_the_first_suppliers_and_opens_the_others(
    brian: Browser, till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shopnode.web.office.reordering.LINES_SHOWN", 1)
    simba, zuri = (
        till.shop.do("suppliers.create", name=name, lead_days=3)["id"] for name in ("Simba Telecom", "Zuri Mobile")
    )
    till.shop.do("products.update", product_id=till.glass, supplier_id=simba, min_stock_level=30)
    till.shop.do("products.update", product_id=till.charger, supplier_id=zuri, min_stock_level=30)
    shown = brian.get("/reorder").get_data(as_text=True)
    assert "Tempered glass" in shown and "Zuri Mobile" in shown and "Oraimo charger" not in shown
    assert f'href="/reorder?supplier={zuri}"' in shown and "Show 1 product<" in shown
    opened = brian.get(f"/reorder?supplier={zuri}").get_data(as_text=True)
    assert "Oraimo charger" in opened and f'id="lines-{zuri}"' in opened and "Tempered glass" not in opened
    drafts = brian.post("/reorder", supplier_id=zuri)  # ticked without being opened
    assert "Oraimo charger" in words(brian.get(place(drafts)))


def test_the_stock_is_worth_what_it_cost_on_any_day(sarah: Browser, brian: Browser, till: Till) -> None:
    assert "1,135,000" in words(sarah.get("/stock-value"))
    past = words(sarah.get("/stock-value?on=2020-01-01"))
    assert "Nothing was in stock" in past and "1,135,000" not in past
    assert "Must be a day" in words(sarah.get("/stock-value?on=yesterday"))
    assert "Accessories" in sarah.get("/stock-value?format=csv").get_data(as_text=True)
    assert brian.get("/stock-value").status_code == 403


def test_every_movement_is_listed_with_its_reason_and_found_by_product_kind_and_day(
    aisha: Browser, brian: Browser, till: Till
) -> None:
    till.sell({"device_id": till.units[0]})
    listed = words(aisha.get("/movements"))
    assert "Sold" in listed and IMEIS[0] in listed and "opening stock" in listed and "−1" in listed
    only = words(aisha.get(f"/movements?product_id={till.glass}"))
    assert "Tempered glass" in only and IMEIS[0] not in only and "10 here now" in only
    assert "Nothing moved then" in words(aisha.get(f"/movements?product_id={till.glass}&kind=sold", htmx=True))
    assert "Nothing moved then" in words(aisha.get("/movements?to_on=2020-01-01", htmx=True))
    assert IMEIS[0] in brian.get("/movements?format=csv&kind=sold").get_data(as_text=True)


def test_pieces_are_corrected_with_the_reason_and_phones_only_by_their_numbers(brian: Browser, till: Till) -> None:
    at = f"/products/{till.glass}/adjust"
    assert "The books say 10" in words(brian.get(at))
    refused = (
        ("", "two broke", "how many pieces"), ("2", "", "at least 3 characters"),
        ("-2", "two broke", "how many pieces"), ("x", "two broke", "whole number"),
    )  # fmt: skip
    for quantity, reason, said in refused:
        wrong = brian.post(at, deed="off", quantity=quantity, reason=reason)
        assert wrong.status_code == 422 and said in words(wrong), words(wrong)
        assert not reason or f'value="{reason}"' in wrong.get_data(as_text=True)
    moved = words(brian.get(place(brian.post(at, deed="off", quantity="2", reason="two broke"))))
    assert "8 here now" in moved and "two broke" in moved and "−2" in moved
    place(brian.post(at, deed="on", quantity="1", reason="found one"))
    assert sum(row.quantity for row in till.shop.rows(StockMovement) if row.product_id == till.glass) == 9
    assert "It is counted by its phones" in words(brian.get(f"/products/{till.phone}/adjust"))


def test_a_phone_goes_back_to_its_supplier_and_comes_back(brian: Browser, sarah: Browser, till: Till) -> None:
    simba = till.shop.do("suppliers.create", name="Simba Telecom")["id"]
    assert "Nothing was sent back" in words(brian.get("/supplier-returns"))
    for number, supplier, said in (("", simba, "Is needed"), ("123456", simba, "no phone of this shop"),
                                   (IMEIS[0], "", "whom this phone came from")):  # fmt: skip
        wrong = brian.post("/supplier-returns/new", number=number, supplier_id=supplier, reason="dead on arrival")
        assert wrong.status_code == 422 and said in words(wrong)
        assert 'value="dead on arrival"' in wrong.get_data(as_text=True)
    at = place(brian.post("/supplier-returns/new", number=IMEIS[0], supplier_id=simba, reason="dead on arrival"))
    assert "With the supplier" in words(brian.get(at)) and "How it ended" not in words(brian.get(at))
    assert brian.post(f"{at}/end", outcome="repaired").status_code == 403
    assert IMEIS[0] in words(sarah.get("/supplier-returns?state=open", htmx=True))
    assert "None fits" in words(sarah.get("/supplier-returns?state=ended", htmx=True))

    empty = sarah.post(f"{at}/end", outcome="replaced", replacement="")
    assert empty.status_code == 422 and "the one phone that came" in words(empty)
    place(sarah.post(f"{at}/end", outcome="replaced", replacement="004401551550136", note="a new one"))
    assert "Replaced" in words(sarah.get(at)) and "The phone that came instead" in words(sarah.get(at))
    assert till.shop.row(StockUnit, till.units[0]).status == "scrapped"
    late = sarah.post(f"{at}/end", outcome="repaired")
    assert late.status_code == 409 and "has ended already" in words(late)
    assert "dead on arrival" in sarah.get("/supplier-returns?format=csv").get_data(as_text=True)


def test_a_credited_phone_lowers_what_is_owed(sarah: Browser, till: Till) -> None:
    simba = till.shop.do("suppliers.create", name="Simba Telecom")["id"]
    at = place(sarah.post("/supplier-returns/new", number=IMEIS[0], supplier_id=simba, reason="dead on arrival"))
    place(sarah.post(f"{at}/end", outcome="credited", credited_minor="400,000"))
    assert till.shop.rows(SupplierReturn)[0].credited_minor == 400_000
    assert "They owe us UGX 400,000" in words(sarah.get(f"/suppliers/{simba}"))


def test_goods_are_sent_by_quantity_beside_phones_and_taken_back_in_parts(brian: Browser, till: Till) -> None:
    form = {"to_shop_id": ELSEWHERE, "product_id": till.glass}
    much = brian.post("/transfers/new", **form, **{f"quantity.{till.glass}": "11"})
    assert much.status_code == 409 and "only 10 are in stock here" in words(much)
    assert 'value="11"' in much.get_data(as_text=True)
    none = brian.post("/transfers/new", **form, **{f"quantity.{till.glass}": ""})
    assert none.status_code == 422 and "Is needed" in words(none)
    two = brian.post("/transfers/new", to_shop_id=ELSEWHERE, numbers="123456\n654321\n" + IMEIS[0])
    assert "123456, 654321 are not in stock here" in words(two)

    at = place(brian.post("/transfers/new", **form, **{f"quantity.{till.glass}": "4"}, numbers=IMEIS[0]))
    shown = words(brian.get(at))
    assert "5 of 5" in shown and "Tempered glass" in shown and "4 sent" in shown
    assert "4 pieces" in words(brian.get("/transfers")) and "Tempered glass" in brian.get(
        "/transfers?format=csv"
    ).get_data(as_text=True)
    (item,) = till.shop.rows(TransferItem)
    silent = brian.post(f"{at}/take-back", reason="nobody was there", **{f"pieces.{item.id}": "0"})
    assert silent.status_code == 422 and "say how many pieces" in words(silent)
    much = brian.post(f"{at}/take-back", reason="nobody was there", **{f"pieces.{item.id}": "5"})
    assert much.status_code == 409 and "only 4 are on their way" in words(much)
    place(brian.post(f"{at}/take-back", reason="one fell off", **{f"pieces.{item.id}": "1"}))
    assert "1 taken back, 3 on the way" in words(brian.get(at)) and "4 of 5" in words(brian.get(at))


def test_what_arrives_with_a_difference_is_received_as_it_is_and_the_rest_stays_on_its_way(
    aisha: Browser, till: Till
) -> None:
    transfer_id, item = coming(till, 6)
    at = f"/transfers/{transfer_id}"
    shown = aisha.get(at)
    assert "To receive" in words(aisha.get("/transfers")) and "6 sent" in words(shown)
    assert f'name="pieces.{item}" type="text" value="6"' in shown.get_data(as_text=True)
    much = aisha.post(f"{at}/receive", **{f"pieces.{item}": "7"}, note="one box was open")
    assert much.status_code == 409 and "only 6 are on their way" in words(much)
    assert 'value="one box was open"' in much.get_data(as_text=True)
    odd = aisha.post(f"{at}/receive", **{f"pieces.{item}": "six"})
    assert odd.status_code == 422 and "Must be a whole number" in words(odd)

    place(aisha.post(f"{at}/receive", **{f"pieces.{item}": "4"}, note="one box was open"))

    assert "4 arrived, 2 on the way" in words(aisha.get(at)) and "2 of 6" in words(aisha.get(at))
    assert "4 pieces" not in words(aisha.get("/transfers")) and "To receive" in words(aisha.get("/transfers"))
    place(aisha.post(f"{at}/receive", **{f"pieces.{item}": "2"}))
    assert "Received" in words(aisha.get(at)) and "Nothing is on its way" in words(aisha.get("/transfers"))
    assert sum(row.quantity for row in till.shop.rows(StockMovement) if row.product_id == till.charger) == 6

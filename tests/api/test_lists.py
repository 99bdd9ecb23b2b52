"""Lists as files: whole, typed, harmless, and never without a trace."""

from __future__ import annotations

import csv
import io
from typing import Any

import openpyxl
import orjson
import pytest
from sqlalchemy import select

from shopnode.api import lists
from shopnode.api.routing import ROUTES, Route
from shopnode.domain.journal import JournalEntry
from tests.api.client import Client
from tests.api.goods import CABLE, open_for_business, sale_of
from tests.shop import Shop

LISTS = [route for route in ROUTES if route.item is not None]
FORMULAS = ["=1+1", "+1+1", "-1+1", "@SUM(A1)", '=HYPERLINK("http://x","y")', "＝1+1", "  =1+1"]


def table_of(client: Client, path: str) -> list[dict[str, str]]:
    response = client.call("GET", path)
    assert response.status_code == 200, response.get_data(as_text=True)
    assert response.content_type == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(response.get_data(as_text=True).removeprefix("\ufeff"))))


def sheet_of(client: Client, path: str) -> Any:
    response = client.call("GET", path)
    assert response.status_code == 200, response.get_data(as_text=True)
    return openpyxl.load_workbook(io.BytesIO(response.get_data())).active


def exports(shop: Shop) -> list[tuple[JournalEntry, dict[str, Any]]]:
    with shop.home.reading() as session:
        rows = session.scalars(select(JournalEntry).where(JournalEntry.action == "lists.export")).all()
        return [(row, orjson.loads(row.result or "{}")) for row in rows]


@pytest.mark.parametrize("route", [route for route in LISTS if not route.path_names], ids=lambda route: route.name)
@pytest.mark.parametrize("wanted", ["csv", "xlsx"])
def test_every_list_is_a_file(route: Route, wanted: str, owner: Client) -> None:
    response = owner.call("GET", f"{route.rule}?format={wanted}")

    if response.status_code != 422:  # a list that asks for more than its format
        assert response.status_code == 200, response.get_data(as_text=True)
        assert response.content_type == lists.CONTENT_TYPES[wanted]
        assert response.headers["Content-Disposition"].endswith(f'.{wanted}"')
        assert int(response.headers["Content-Length"]) == len(response.get_data())
        assert response.headers["Cache-Control"] == "no-store"


def test_every_answer_with_items_is_a_list() -> None:
    for route in ROUTES:
        if route.method == "GET" and route.answer is not None and "next_cursor" in route.answer.model_fields:
            assert route.item is not None, route.name


def test_a_file_has_all_pages_and_the_columns_of_an_item(owner: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "PAGE_MAX", 2)
    for number in range(5):
        owner.post("/products", CABLE | {"name": f"Cable {number}", "sku": f"C-{number}", "barcode": None})

    rows = table_of(owner, "/products?format=csv&limit=1")

    assert [row["name"] for row in rows] == [f"Cable {number}" for number in range(5)]
    assert (rows[0]["selling_price"], rows[0]["stock_quantity"], rows[0]["is_active"]) == ("8000", "10", "yes")
    assert list(rows[0])[:3] == ["id", "name", "category"]


def test_what_is_owed_and_what_waits_is_a_whole_file(
    owner: Client, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "PAGE_MAX", 2)
    open_for_business(owner)
    nakato = owner.post("/customers", {"name": "Nakato", "phone": "0772000111"})["id"]
    for number in range(5):
        shop.do("accounts.correct", customer_id=nakato, account="credit", amount=1_000 + number, reason="an old debt")
        shop.do("accounts.receive_unallocated", method="mtn", amount=2_000 + number, reference=f"X{number}")
        shop.clock.advance(1_000)

    due = table_of(owner, "/receivables/due?days=60&format=csv")
    waiting = table_of(owner, "/unallocated-money?format=csv")

    assert [row["amount"] for row in due] == [str(1_000 + number) for number in range(5)]
    assert [row["amount"] for row in waiting] == [str(2_000 + number) for number in range(5)]


# Of what a business has few of, or of one person, day or month: they are whole without pages.
WHOLE = {
    "count_reworks", "get_commissions", "get_expense_summary", "get_here_now", "get_hours", "get_jobs",
    "get_performance", "get_settings", "list_all_financiers", "list_budgets", "list_chains", "list_commission_rules",
    "list_fraud_signals", "list_keys", "list_price_lists", "list_recurring", "list_shop_profiles",
    "list_supplier_debts", "list_waiting", "own_browsers", "own_sessions", "reorder_suggestions", "repairs_in_hand",
}  # fmt: skip


def test_no_list_that_grows_with_the_business_is_without_pages() -> None:
    asked = [route for route in LISTS if route.method == "GET" and not route.path_names]
    pages = {"limit", "cursor"}
    without = {route.name for route in asked if route.query is None or not pages <= route.query.model_fields.keys()}
    assert without == WHOLE


def test_numbers_and_dates_are_typed_in_a_workbook(owner: Client) -> None:
    owner.post("/sales", sale_of(open_for_business(owner)))

    sheet = sheet_of(owner, "/sales?format=xlsx")
    titles, values = [cell.value for cell in sheet[1]], dict(zip([c.value for c in sheet[1]], sheet[2], strict=True))

    assert "sale_number" in titles
    assert (values["final_amount"].value, values["final_amount"].data_type) == (8_000, "n")
    assert values["created_at"].data_type == "d" and values["business_on"].data_type == "d"


@pytest.mark.parametrize("formula", FORMULAS)
def test_no_text_is_ever_a_formula(formula: str, owner: Client) -> None:
    owner.post("/products", CABLE | {"name": "x" + formula, "sku": None, "description": formula.strip()})

    (row,) = table_of(owner, "/products?format=csv")
    cell = next(cell for cell in sheet_of(owner, "/products?format=xlsx")[2] if cell.value == formula.strip())

    assert row["description"] == "'" + formula.strip()
    assert cell.data_type == "s" and cell.quotePrefix


def test_rule_92_whoever_takes_a_list_out_is_written_down(shop: Shop, supervisor: Client) -> None:
    supervisor.post("/customers", {"name": "Okello James", "phone": "0772 123 456"})

    table_of(supervisor, "/customers?format=csv&q=okello")
    sheet_of(supervisor, "/products?format=xlsx&low_stock=true&sort=price")

    (first, told), (_, also) = exports(shop)
    assert (first.actor_id, first.subject_entity) == (shop.supervisor.id, "list_customers")
    assert told == {"name": "customers", "format": "csv", "filters": {"q": "(typed)"}, "rows": 1, "was_cut": False}
    assert also["filters"] == {"low_stock": "True", "sort": "price"}
    assert "okello" not in (first.body + (first.result or "")).casefold()


def test_rule_92_whoever_may_not_take_lists_out_gets_no_file(shop: Shop, staff: Client) -> None:
    for wanted in ("csv", "xlsx"):
        assert staff.get(f"/customers?format={wanted}", 403)["code"] == "not-permitted"
    assert exports(shop) == []
    assert staff.get("/customers?format=json")["items"] == []
    assert exports(shop) == []  # a page on the screen is no export


def test_what_somebody_may_not_see_is_empty_in_their_file(owner: Client, supervisor: Client) -> None:
    owner.post("/products", CABLE)

    assert table_of(owner, "/products?format=csv")[0]["cost_price"] == "3000"
    assert table_of(supervisor, "/products?format=csv")[0]["cost_price"] == ""
    assert "3000" not in {str(cell.value) for cell in sheet_of(supervisor, "/products?format=xlsx")[2]}


def test_a_list_that_is_too_long_says_so_in_words(owner: Client, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "ROWS_MAX", 2)
    for number in range(3):
        owner.post("/products", CABLE | {"name": f"Cable {number}", "sku": None, "barcode": None})

    rows = table_of(owner, "/products?format=csv")

    assert len(rows) == 3 and rows[2]["id"] == lists.CUT
    assert exports(shop)[0][1]["was_cut"] is True and exports(shop)[0][1]["rows"] == 2


def test_what_is_nested_has_columns_of_its_own(owner: Client) -> None:
    titles = next(csv.reader(io.StringIO(owner.call("GET", "/devices?format=csv").get_data(as_text=True))))

    assert {"sale.sale_id", "sale.sale_number", "notes"} <= set(titles)


@pytest.mark.parametrize("query", ["format=pdf", "format=", "format=csv&format=csv", "format=CSV"])
def test_another_format_is_refused_by_name(query: str, owner: Client) -> None:
    assert owner.get(f"/products?{query}", 422)["fields"].keys() == {"format"}

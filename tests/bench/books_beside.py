"""The books of a large shop, beside its goods and sales: buying, counting, accounts, plans, used phones, returns."""

from __future__ import annotations

from shopnode.domain.accounts.models import AccountAllocation, AccountBalance, AccountEntry
from shopnode.domain.buying.models import (
    GoodsReceipt,
    GoodsReceiptLine,
    PurchaseOrder,
    PurchaseOrderLine,
    Supplier,
    SupplierEntry,
    SupplierReturn,
)
from shopnode.domain.cash.models import DrawerSession, MoneyMove
from shopnode.domain.financiers.models import Financier, FinancierEntry
from shopnode.domain.handsets.models import Transfer, TransferLine, TransferReceipt, UnitEvent, arrival_id, sent_line_id
from shopnode.domain.plans.models import Plan, PlanDue, PlanLine
from shopnode.domain.pricing.models import RETAIL, Price, PriceList
from shopnode.domain.returns.models import SaleReturn, SaleReturnLine, WarrantyClaim
from shopnode.domain.sales.models import CounterEvent
from shopnode.domain.stock.models import TransferItem, TransferItemReceipt
from shopnode.domain.stocktakes.models import Stocktake, StocktakeLine
from shopnode.domain.usedphones.models import BlockedNumber, UsedPurchase, UsedPurchaseReversal, Valuation
from tests.bench.books import BRANDS, DAY_MS, Goods, Put, Row, Size, write_customers, write_phones, write_products
from tests.bench.books import write_sales as write_all_sales

LINES = 5  # of an order


def write_books(book: Goods, size: Size, put: Put) -> None:
    """Everything, parents first."""
    _write_suppliers(book, size, put)
    write_products(book, size, put)
    write_customers(book, size, put)
    write_phones(book, size, put)
    write_all_sales(book, size, put)
    _write_orders(book, size, put)
    _write_counts(book, put)
    _write_transfers(book, size, put)
    _write_accounts(book, size, put)
    _write_plans(book, size, put)
    _write_returns(book, size, put)
    _write_used(book, size, put)
    _write_prices(book, size, put)
    _write_financiers(book, size, put)
    _write_drawers(book, put)
    _write_told(book, put)


def _write_suppliers(book: Goods, size: Size, put: Put) -> None:
    rows: list[Row] = [
        {"id": book.id(at), "name": f"{BRANDS[n % len(BRANDS)]} distributors {n}", "contact": f"Mr. Otim {n}",
         "phone": f"+25641{n:07d}", "terms_days": 30, "lead_days": 7, "created_at": at,
         "archived_at": at + DAY_MS if n % 20 == 4 else None}
        for n, at in enumerate(book.times(size.suppliers))
    ]  # fmt: skip
    put(Supplier, rows)
    book.suppliers += [row["id"] for row in rows if row["archived_at"] is None]


def _write_orders(book: Goods, size: Size, put: Put) -> None:
    """Orders with their deliveries; the last hundred are still expected, and a few drafts are at the end."""
    orders, lines, receipts, came, entries = [], [], [], [], []
    for n, at in enumerate(book.times(size.orders)):
        left = size.orders - n
        status = "draft" if left <= 5 else "ordered" if left <= 100 else "cancelled" if n % 50 == 3 else "closed"
        order: Row = {
            "id": book.id(at), "shop_id": book.shop(), "supplier_id": book.chance.choice(book.suppliers),
            "number": f"KLA1-P{n:06d}", "status": status, "created_at": at, "ordered_at": at,
        }  # fmt: skip
        asked: list[Row] = [
            {"id": book.id(at), "order_id": order["id"], "shop_id": order["shop_id"], "line_no": place + 1,
             "product_id": book.chance.choice(book.pieces), "quantity": 10, "unit_cost_minor": 14_000}
            for place in range(LINES)
        ]  # fmt: skip
        orders.append(order)
        lines += asked
        if status != "closed":
            continue
        receipt: Row = {
            "id": book.id(at), "shop_id": order["shop_id"], "supplier_id": order["supplier_id"],
            "order_id": order["id"], "number": f"KLA1-G{n:06d}", "extra_cost_minor": 0, "received_at": at + DAY_MS,
        }  # fmt: skip
        receipts.append(receipt)
        came += [
            {"id": book.id(at), "receipt_id": receipt["id"], "shop_id": order["shop_id"], "order_line_id": line["id"],
             "product_id": line["product_id"], "line_no": line["line_no"], "quantity": 10, "damaged": 0,
             "unit_cost_minor": 14_000, "landed_cost_minor": 14_000}
            for line in asked
        ]  # fmt: skip
        entries += _bill(book, receipt, n)
    put(PurchaseOrder, orders)
    put(PurchaseOrderLine, lines)
    put(GoodsReceipt, receipts)
    put(GoodsReceiptLine, came)
    put(SupplierEntry, entries)


def _bill(book: Goods, receipt: Row, number: int) -> list[Row]:
    at = receipt["received_at"]
    same = {"shop_id": receipt["shop_id"], "supplier_id": receipt["supplier_id"], "receipt_id": receipt["id"]}
    bill = {"id": book.id(at), **same, "kind": "bill", "amount_minor": 700_000, "due_on": book.day(at), "at": at}
    paid = {"id": book.id(at), **same, "kind": "payment", "amount_minor": -700_000, "due_on": None, "at": at + DAY_MS}
    return [bill, paid] if number % 10 else [bill]


def _write_counts(book: Goods, put: Put) -> None:
    """A stocktake a month and shop, of two thousand lines each where there are so many."""
    counts: list[Row] = [
        {"id": book.id(at), "shop_id": book.shop(), "number": f"KLA1-C{n:06d}", "status": "approved",
         "category": None if n % 2 else "Accessories", "started_at": at, "difference_minor": -12_000}
        for n, at in enumerate(book.times(48))
    ]  # fmt: skip
    counts[-1]["status"] = "counting"
    put(Stocktake, counts)
    put(StocktakeLine, [
        {"id": book.id(), "stocktake_id": count["id"], "shop_id": count["shop_id"], "product_id": product_id,
         "counted": 40, "expected": 40, "at": count["started_at"]}
        for count in counts for product_id in book.pieces[:500]
    ])  # fmt: skip


def _write_transfers(book: Goods, size: Size, put: Put) -> None:
    """Twenty phones and two lines of pieces in each; the last few are on their way."""
    sent = [unit for unit in book.units if unit["status"] == "sent"]
    heads, lines, items, ends, come = [], [], [], [], []
    shops = [*book.shop_ids, book.id()]  # at a node the other shop is known by name alone
    for n, at in enumerate(book.times(len(sent) // 20)):
        units = sent[n * 20 : n * 20 + 20]
        to = shops[(shops.index(units[0]["shop_id"]) + 1) % len(shops)]
        head: Row = {"id": book.id(at), "shop_id": units[0]["shop_id"], "to_shop_id": to, "number": f"KLA1-T{n:06d}",
                     "sent_at": at, "sent_by": book.person()}  # fmt: skip
        way: list[Row] = [
            {"id": sent_line_id(unit["id"]), "transfer_id": head["id"], "shop_id": head["shop_id"],
             "unit_id": unit["id"], "handset_id": unit["handset_id"], "product_id": unit["product_id"],
             "cost_minor": unit["cost_minor"]}
            for unit in units
        ]  # fmt: skip
        boxes: list[Row] = [
            {"id": book.id(at), "transfer_id": head["id"], "shop_id": head["shop_id"], "cost_minor": 14_000,
             "product_id": book.chance.choice(book.pieces), "quantity": 5}
            for _ in range(2)
        ]  # fmt: skip
        heads.append(head)
        lines += way
        items += boxes
        if n < len(sent) // 20 - 5:
            here = {"shop_id": to, "kind": "received", "at": at + DAY_MS}
            ends += [{"id": arrival_id(row["id"]), "line_id": row["id"], "unit_id": book.id(at)} | here for row in way]
            come += [{"id": book.id(at), "item_id": row["id"], "quantity": 5} | here for row in boxes]
    put(Transfer, heads)
    put(TransferLine, lines)
    put(TransferReceipt, ends)
    put(TransferItem, items)
    put(TransferItemReceipt, come)
    put(UnitEvent, [
        {"id": book.id(), "unit_id": unit["id"], "shop_id": unit["shop_id"], "from_status": "in_stock",
         "to_status": unit["status"], "reason": "set aside", "at": unit["received_at"] + DAY_MS}
        for unit in book.units if unit["status"] in {"bench", "lent", "missing", "scrapped"}
    ])  # fmt: skip


def _write_accounts(book: Goods, size: Size, put: Put) -> None:
    """Charges and what paid them: every second is open. The trader has a thousand."""
    entries: list[Row] = []
    paid: list[Row] = []
    balances: dict[str, int] = {}
    for n, at in enumerate(book.times(size.customers // 2)):
        who = book.customer()
        same = {"customer_id": who, "shop_id": book.shop(), "account": "credit", "number": f"KLA1-{n:06d}"}
        charge = {"id": book.id(at), **same, "kind": "charge", "amount": 90_000, "due_on": book.day(at + 30 * DAY_MS)}
        entries.append(charge | {"at": at})
        balances[who] = balances.get(who, 0) + 90_000
        if n % 5 == 0:
            continue
        payment = {"id": book.id(at), **same, "kind": "payment", "amount": -90_000, "due_on": None}
        entries.append(payment | {"at": at + DAY_MS})
        balances[who] -= 90_000
        paid.append({"id": book.id(at), "payment_id": payment["id"], "charge_id": charge["id"],
                     "shop_id": same["shop_id"], "amount_minor": 90_000, "at": at + DAY_MS})  # fmt: skip
    put(AccountEntry, entries)
    put(AccountAllocation, paid)
    put(AccountBalance, [{"customer_id": who, "account": "credit", "balance": sum_} for who, sum_ in balances.items()])
    put(MoneyMove, [
        {"id": book.id(at), "shop_id": book.shop(), "kind": "unallocated" if n % 100 == 0 else "account_payment",
         "method": "mtn_momo", "amount_minor": 90_000, "reference": f"MM{n:09d}", "number": f"KLA1-M{n:06d}", "at": at}
        for n, at in enumerate(book.times(size.customers // 2))
    ])  # fmt: skip


def _write_plans(book: Goods, size: Size, put: Put) -> None:
    plans, lines, dues, money = [], [], [], []
    for n, at in enumerate(book.times(size.customers // 20)):
        status = "open" if n % 10 == 0 else ("completed", "cancelled", "forfeited")[n % 3]
        plan: Row = {
            "id": book.id(at), "shop_id": book.shop(), "number": f"KLA1-L{n:06d}", "kind": "layaway",
            "customer_id": book.customer(), "status": status, "total_minor": 600_000, "deposit_minor": 100_000,
            "forfeit_bp": 1000, "keep_until": book.day(at + 90 * DAY_MS), "opened_at": at,
        }  # fmt: skip
        own = {"plan_id": plan["id"], "shop_id": plan["shop_id"]}
        plans.append(plan)
        lines.append({"id": book.id(at), **own, "line_no": 1, "product_id": book.chance.choice(book.models),
                      "quantity": 1, "unit_price_minor": 600_000})  # fmt: skip
        dues += [{"id": book.id(at), **own, "due_on": book.day(at + part * 30 * DAY_MS), "amount_minor": 200_000}
                 for part in range(3)]  # fmt: skip
        money.append({"id": book.id(at), "shop_id": plan["shop_id"], "kind": "plan_payment", "method": "cash",
                      "amount_minor": 100_000, "about_id": plan["id"], "at": at})  # fmt: skip
    put(Plan, plans)
    put(PlanLine, lines)
    put(PlanDue, dues)
    put(MoneyMove, money)


def _write_returns(book: Goods, size: Size, put: Put) -> None:
    heads, lines, claims = [], [], []
    for n, line in enumerate(book.lines[:: max(1, len(book.lines) // (size.sales // 20))]):
        at = book.now_ms - DAY_MS * (n % 700)
        same = {"shop_id": line["shop_id"], "unit_id": line["unit_id"]}
        if n % 4 == 0:
            outcome = ("repair", "refuse")[n % 8 == 0]
            claims.append({"id": book.id(at), **same, "sale_line_id": line["id"], "outcome": outcome,
                           "reason": "it does not charge", "at": at})  # fmt: skip
            continue
        back: Row = {"id": book.id(at), "shop_id": line["shop_id"], "number": f"KLA1-R{n:06d}", "at": at,
                     "sale_id": line["sale_id"], "reason": "did not like it", "had_receipt": True,
                     "refund_minor": 600_000, "fee_minor": 0, "customer_id": book.customer()}  # fmt: skip
        heads.append(back)
        lines.append({"id": book.id(at), **same, "return_id": back["id"], "sale_line_id": line["id"], "quantity": 1,
                      "restock": "open_box", "refund_minor": 600_000})  # fmt: skip
    put(SaleReturn, heads)
    put(SaleReturnLine, lines)
    put(WarrantyClaim, claims)


def _write_used(book: Goods, size: Size, put: Put) -> None:
    """What was bought from people, what is paid for it, and numbers nobody touches."""
    units = book.units[:: max(1, len(book.units) // (size.customers // 5))]
    bought: list[Row] = [
        {"id": book.id(unit["received_at"]), "shop_id": unit["shop_id"], "number": f"KLA1-U{n:06d}",
         "handset_id": unit["handset_id"], "product_id": unit["product_id"], "unit_id": unit["id"], "grade": "B",
         "customer_id": book.customer(), "sale_id": book.sales[n]["sale_id"] if n % 10 == 0 else None,
         "valued_minor": 200_000, "offer_minor": 190_000, "locks_removed": True, "was_reset": True,
         "states_ownership": True, "at": unit["received_at"], "by_id": book.person()}
        for n, unit in enumerate(units[: len(book.sales)])
    ]  # fmt: skip
    put(UsedPurchase, bought)
    put(UsedPurchaseReversal, [
        {"id": book.id(), "purchase_id": row["id"], "shop_id": row["shop_id"], "reason": "it was stolen",
         "lost_minor": 0, "at": row["at"] + DAY_MS}
        for row in bought[::50]
    ])  # fmt: skip
    put(Valuation, [
        {"id": book.id(), "product_id": model, "storage": "128 GB", "grade": grade, "offer_minor": 190_000,
         "archived_at": None}
        for model in book.models for grade in "ABC"
    ])  # fmt: skip
    put(BlockedNumber, [
        {"id": book.id(at), "number": f"35{n:013d}", "reason": "reported stolen", "created_at": at,
         "lifted_at": at + DAY_MS if n % 30 == 0 else None}
        for n, at in enumerate(book.times(size.customers // 20))
    ])  # fmt: skip


def _write_prices(book: Goods, size: Size, put: Put) -> None:
    """Three lists, with a price each for every fifth product, and steps for everybody."""
    lists: list[Row] = [{"id": book.id(), "name": name, "created_at": book.now_ms}
                        for name in ("Wholesale", "Staff", "Agents")]  # fmt: skip
    put(PriceList, lists)
    put(Price, [
        {"id": book.id(), "list_id": list_id, "product_id": product_id, "min_quantity": 1, "price_minor": 18_000}
        for list_id in (*(row["id"] for row in lists), RETAIL) for product_id in book.pieces[::5]
    ])  # fmt: skip


def _write_financiers(book: Goods, size: Size, put: Put) -> None:
    """A twentieth of the phones that were sold, most of them paid since."""
    firms: list[Row] = [{"id": book.id(), "name": name, "created_at": book.now_ms}
                        for name in ("Watu", "M-KOPA", "Asante")]  # fmt: skip
    entries: list[Row] = []
    for n, line in enumerate(book.lines[::20]):
        at = book.now_ms - DAY_MS * (n % 600)
        same = {"financier_id": firms[n % 3]["id"], "shop_id": line["shop_id"], "sale_id": line["sale_id"],
                "imei": line["imei"], "reference": f"W-{n:06d}"}  # fmt: skip
        entries.append({"id": book.id(at), **same, "kind": "receivable", "amount_minor": 500_000, "at": at})
        if n % 10:
            paid = {"id": book.id(at), **same, "kind": "settlement", "amount_minor": -500_000, "at": at + DAY_MS}
            entries.append(paid)
    put(Financier, firms)
    put(FinancierEntry, entries)


def _write_drawers(book: Goods, put: Put) -> None:
    put(DrawerSession, [
        {"id": book.id(at), "shop_id": book.shop(), "opened_by": book.person(), "opened_at": at, "closed_at": at + 1,
         "opening_float_minor": 100_000, "business_on": book.day(at), "counted_minor": 100_000,
         "expected_minor": 100_000}
        for at in book.times(700)
    ])  # fmt: skip


def _write_told(book: Goods, put: Put) -> None:
    """Phones with their suppliers, most of them back; and what happened at the counter beside sales."""
    away = [unit for unit in book.units if unit["status"] == "supplier"]
    put(SupplierReturn, [
        {"id": book.id(unit["received_at"]), "shop_id": unit["shop_id"], "supplier_id": unit["supplier_id"],
         "unit_id": unit["id"], "number": f"KLA1-B{n:06d}", "reason": "does not charge",
         "sent_at": unit["received_at"], "sent_by": book.person(), "outcome": "repaired" if n % 10 else None,
         "ended_at": unit["received_at"] + DAY_MS if n % 10 else None}
        for n, unit in enumerate(away)
    ])  # fmt: skip
    put(CounterEvent, [
        {"id": book.id(at), "shop_id": book.shop(), "kind": "reprinted" if n % 50 else "cart_given_up",
         "sale_id": book.sales[n % len(book.sales)]["sale_id"], "copy_no": 1, "at": at, "by_id": book.person()}
        for n, at in enumerate(book.times(len(book.sales) // 10))
    ])  # fmt: skip

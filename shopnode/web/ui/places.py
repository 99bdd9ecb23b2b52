"""Where one can go: the navigation of both homes, as data.

A place is shown when its view exists and the person may use it, so a link never leads nowhere.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from flask import Flask


@dataclass(frozen=True)
class Place:
    label: str
    icon: str
    endpoint: str
    needs: str | None = None  # a permission; None for everybody
    on_phone: bool = False  # among the five of the phone's bottom bar; the fifth is always More
    also: tuple[str, ...] = ()  # endpoints that count as being here


@dataclass(frozen=True)
class Group:
    label: str
    places: tuple[Place, ...] = field(default=())


@dataclass(frozen=True)
class OpenPlace:
    """A place as the template draws it."""

    label: str
    icon: str
    endpoint: str
    on_phone: bool
    is_here: bool


@dataclass(frozen=True)
class OpenGroup:
    label: str
    places: list[OpenPlace]


TRANSFERS = (
    "office.transfer", "office.send_phones", "office.receive_phones", "office.take_back", "counter.load_transfer",
)  # fmt: skip
PHONES = ("office.phone", "office.change_phone", "office.receive_scanned")
COUNTS = ("office.stocktake", "office.find_to_count", "office.ask_count")
ORDERS = ("office.order", "office.new_order", "office.edit_order")
DELIVERIES = ("office.delivery", "office.new_delivery")
SUPPLIERS = ("office.supplier", "office.new_supplier", "office.edit_supplier")
SENT_BACK = ("office.supplier_return", "office.send_to_supplier")
TELEPHONE = ("office.answer_telephone", "office.set_up_telephone", "office.remove_telephone")
DAYS = ("office.*closure", "office.*z_report*", "office.x_report*")
EXPENSES = ("office.*expense*", "office.*budget", "office.*recurring")
SETTINGS = ("office.save_settings", "office.save_business", "office.save_shop")
RETURNS = ("counter.return_of", "counter.take_back_goods", "counter.returned", "counter.*warranty")
PLANS = ("counter.plan_page", "counter.pay_plan", "counter.complete_plan", "counter.end_plan")
PEOPLE = ("office.*person", "office.give_password")
HOURS = ("office.*attendance*", "office.clock_step")
COMMISSIONS = ("office.*commission*", "office.book_for_person")
PRICE_LISTS = ("office.price_list", "office.new_price_list", "office.set_list_price", "office.rename_price_list")
JOURNAL = ("office.journal_entry", "office.chain*")
STOCK = Group(
    "Stock",
    (
        Place("Phones", "phone", "office.phones", "devices:read", also=PHONES),
        Place("Transfers", "box-arrow-right", "office.transfers", "devices:read", also=TRANSFERS),
        Place("Stocktakes", "clipboard-check", "office.stocktakes", "stock:count", also=COUNTS),
        Place("Movements", "arrow-down-up", "office.movements", "products:read"),
        Place("Stock value", "boxes", "office.value_of_stock", "products:see-cost"),
        Place("Labels", "tag", "office.labels", "products:read", also=("office.print_labels",)),
    ),
)
BUYING = Group(
    "Buying",
    (
        Place("To order", "cart-plus", "office.reorder", "orders:manage"),
        Place("Orders", "cart", "office.orders", "suppliers:read", also=ORDERS),
        Place("Deliveries", "truck", "office.deliveries", "suppliers:read", also=DELIVERIES),
        Place("Suppliers", "building", "office.suppliers", "suppliers:read", also=SUPPLIERS),
        Place("Sent back", "arrow-return-left", "office.supplier_returns", "suppliers:read", also=SENT_BACK),
    ),
)
NODE_GROUPS = (
    Group(
        "",
        (
            Place(
                "Sell",
                "upc-scan",
                "counter.sell",
                "sales:create",
                on_phone=True,
                also=("counter.parked", "counter.done"),
            ),
            Place("Sales", "receipt", "office.sales", "sales:read", on_phone=True, also=("office.*sale*",)),
            Place(
                "Products", "box-seam", "office.products", "products:read", on_phone=True, also=("office.*product*",)
            ),
            Place("Drawer", "cash-stack", "counter.drawer", "closures:create", on_phone=True),
            Place("Returns", "arrow-counterclockwise", "counter.returns", "sales:return", also=RETURNS),
            Place("Plans", "hourglass-split", "counter.plans", "accounts:collect", also=PLANS),
            Place("Repairs", "tools", "counter.repairs", "repairs:read", also=("counter.*repair*",)),
        ),
    ),
    STOCK,
    BUYING,
    Group(
        "Shop",
        (
            Place("Customers", "people", "office.customers", "customers:read", also=("office.*customer*",)),
            Place("Staff", "people", "office.staff", "staff:read", also=PEOPLE),
            Place("Hours", "clock", "office.attendance", "own:credentials", also=HOURS),
            Place("Commissions", "tag", "office.commissions", "own:credentials", also=COMMISSIONS),
            Place("Performance", "list", "office.staff_performance", "staff:read"),
            Place("Financiers", "bank", "office.financiers", "financiers:manage", also=("office.*financier*",)),
            Place("All plans", "clock", "office.all_plans", "reports:export", also=("office.plan",)),
            Place("Price lists", "tag", "office.all_price_lists", "products:read", also=PRICE_LISTS),
            Place("Days", "lock", "office.closures", "closures:read", also=DAYS),
            Place("Cash slips", "bank", "office.cash_slips", "closures:read", also=("office.*cash_slip",)),
            Place("Expenses", "cash-stack", "office.expenses", "expenses:read", also=EXPENSES),
            Place("Imports", "upload", "office.imports", "devices:create", also=("office.import_*",)),
            Place("Ask about", "exclamation-triangle-fill", "office.signals", "audit-logs:read"),
            Place("Journal", "clock", "office.journal", "audit-logs:read", also=JOURNAL),
            Place("Lists taken out", "download", "office.exports", "audit-logs:read"),
            Place("Approve by phone", "shield-check", "office.telephone", "settings:update", also=TELEPHONE),
            Place("Printers", "printer", "devices.printers", "printers:use", also=("devices.*",)),
            Place("Notices", "bell", "office.notices", "notices:read"),
            Place("Settings", "gear", "office.settings", "settings:update", also=SETTINGS),
            Place("Jobs", "hourglass-split", "office.jobs", "jobs:read"),
            Place("Sending", "cloud-arrow-up", "status.sending", "reports:export", also=("status.*",)),
        ),
    ),
)

HUB_GROUPS = (
    Group(
        "",
        (
            Place("Today", "house", "portal.home", on_phone=True),
            Place("Sales", "receipt", "office.sales", on_phone=True, also=("portal.sale", "office.*sale*")),
            Place("Products", "box-seam", "portal.products", on_phone=True, also=("office.*product*",)),
            Place("Inbox", "arrow-left-right", "portal.conflicts", on_phone=True),
        ),
    ),
    Group(
        "Shops",
        (
            Place("Days", "lock", "portal.days", "closures:read", also=("office.closures", *DAYS)),
            Place("Cash slips", "bank", "office.cash_slips", "closures:read", also=("office.*cash_slip",)),
            Place("Shop computers", "hdd-network", "portal.nodes"),
            Place("Repairs", "tools", "portal.repairs", "repairs:read", also=("portal.repair",)),
            Place("Customers", "people", "office.customers", also=("office.*customer*",)),
            Place("Staff", "people", "office.staff", "staff:read", also=PEOPLE),
            Place("Hours", "clock", "office.attendance", "own:credentials", also=HOURS),
            Place("Commissions", "tag", "office.commissions", "own:credentials", also=COMMISSIONS),
            Place("Performance", "list", "office.staff_performance", "staff:read"),
            Place("Financiers", "bank", "office.financiers", also=("office.*financier*",)),
            Place("All plans", "clock", "office.all_plans", also=("office.plan",)),
            Place("Price lists", "tag", "office.all_price_lists", also=PRICE_LISTS),
            Place("Expenses", "cash-stack", "office.expenses", "expenses:read", also=EXPENSES),
            Place("Imports", "upload", "office.imports", also=("office.import_*",)),
            Place("Notices", "bell", "office.notices", "notices:read"),
            Place("Settings", "gear", "office.settings", "settings:update", also=SETTINGS),
            Place("Jobs", "hourglass-split", "office.jobs", "jobs:read"),
            Place("Approve by phone", "shield-check", "office.telephone", also=TELEPHONE),
            Place("Ask about", "exclamation-triangle-fill", "office.signals", "audit-logs:read"),
            Place("Journal", "clock", "office.journal", "audit-logs:read", also=JOURNAL),
            Place("Lists taken out", "download", "office.exports"),
        ),
    ),
    STOCK,
    BUYING,
)


def open_groups(app: Flask, groups: Sequence[Group], permissions: Collection[str], here: str) -> list[OpenGroup]:
    """The groups with at least one place that exists and is permitted."""
    shown = [OpenGroup(group.label, _open(app, group, permissions, here)) for group in groups]
    return [group for group in shown if group.places]


def _open(app: Flask, group: Group, permissions: Collection[str], here: str) -> list[OpenPlace]:
    return [
        OpenPlace(place.label, place.icon, place.endpoint, place.on_phone, _is_here(place, here))
        for place in group.places
        if place.endpoint in app.view_functions and (place.needs is None or place.needs in permissions)
    ]


def _is_here(place: Place, here: str) -> bool:
    return here == place.endpoint or any(fnmatchcase(here, pattern) for pattern in place.also)

"""From what was asked to a ticket that can be booked: lines priced, pieces found, limits checked, tenders settled."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, case, select
from sqlalchemy.orm import Session

from shopnode.domain.catalogue.models import Product
from shopnode.domain.context import Context
from shopnode.domain.errors import Invalid
from shopnode.domain.handsets.models import OPEN_STATUSES, Handset, StockUnit, UnitStatus
from shopnode.domain.money import spread
from shopnode.domain.people.models import Shop
from shopnode.domain.prepared import Prepared
from shopnode.domain.sales.errors import ReferenceUsed, UnitNotForSale
from shopnode.domain.sales.forms import Item, Tendered
from shopnode.domain.sales.lookup import sale_with_reference
from shopnode.domain.sales.models import MONEY, SaleLine, Tender
from shopnode.domain.sales.rules import (
    METHOD_NAMES,
    NEEDS_REFERENCE,
    Handed,
    LineSum,
    NotSettled,
    PriceCheck,
    Settled,
    Totals,
    normal_reference,
    price_objection,
    settle,
    tender_named,
    ticket_totals,
)
from shopnode.domain.settings.queries import all_numbers
from shopnode.domain.stock.models import StockCost

CUSTOM_CATEGORY = "Custom"
NOT_AVAILABLE = {
    UnitStatus.SOLD.value: "it has already been sold.",
    UnitStatus.INSPECT.value: "it came back and has not been inspected yet.",
    UnitStatus.SCRAPPED.value: "it was scrapped.",
    UnitStatus.SENT.value: "it was sent to another shop.",
}


@dataclass
class Line:
    """One line to book: everything is copied, so that later edits of the catalogue change no history."""

    name: str
    quantity: int
    unit_price_minor: int
    list_price_minor: int
    floor_minor: int
    discount_minor: int
    cost_minor: int
    tax_rate_bp: int
    warranty_days: int
    product_id: str | None = None
    unit: StockUnit | None = None
    imei: str | None = None
    category: str | None = None  # of a custom line; others have their product's

    @property
    def sum(self) -> LineSum:
        return LineSum(self.quantity, self.unit_price_minor, self.discount_minor, self.tax_rate_bp, self.cost_minor)


def price_lines(ctx: Context, items: list[Item], *, sold: Sequence[SaleLine] = ()) -> list[Line]:
    """The lines of a ticket, with every piece of a serialised product named.

    sold  lines this sale has already: an amendment may keep what it sold, at the price, cost, tax and warranty of then

    Raises Invalid naming every wrong item, UnitNotForSale.
    """
    wrong: dict[str, str] = {}
    units = _units_asked_for(ctx, items, wrong)
    wanted = {item.product_id for item in items if item.product_id}
    wanted |= {unit.product_id for found in units.values() for unit, _ in found}
    products = _products(ctx.session, ctx.shop_id, wanted)
    shop = _VAT_RATE.first(ctx.session, shop_id=ctx.shop_id)
    tax_rate_bp = shop.vat_rate_bp if shop else 0
    before = {line.product_id: line for line in sold if line.product_id}
    ours = {line.unit_id for line in sold if line.unit_id}
    lines: list[Line] = []
    for position, item in enumerate(items):
        place = f"items.{position}"
        if item.product_id is None and item.device_id is None:
            lines.append(_custom_line(item, tax_rate_bp))
            continue
        pieces = units.get(position, [])
        product_id = item.product_id or (pieces[0][0].product_id if pieces else None)
        product = products.get(product_id or "")
        then = before.get(product_id or "")
        if product is None:
            wrong.setdefault(place, "was not found in the catalogue")
        elif product.archived_at is not None and then is None:
            wrong[place] = f"“{product.name}” is no longer sold"
        elif product.only_shop_id not in (None, ctx.shop_id) and then is None:
            wrong[place] = f"“{product.name}” is sold in another shop only"
        elif product.is_serialised:
            same = {row_id for row_id, row in products.items() if row.id == product.id}
            if any(unit.product_id not in same for unit, _ in pieces):
                wrong[place] = f"the scanned phone is not a “{product.name}”"
            else:
                lines += _serialised_lines(item, place, product, pieces, tax_rate_bp, wrong, then)
        else:
            lines.append(_product_line(item, product, item.quantity, item.discount_amount, tax_rate_bp, then))
    _refuse_twice(lines, wrong)
    if wrong:
        raise Invalid(wrong)
    for line in lines:
        if line.unit is not None and line.unit.status != UnitStatus.IN_STOCK and line.unit.id not in ours:
            raise UnitNotForSale(line.imei or "", NOT_AVAILABLE.get(line.unit.status, "it is not in stock."))
    return lines


def _products(session: Session, shop_id: str | None, ids: set[str]) -> dict[str, Any]:
    """The products as plain rows, with what a piece costs here on average: reading them as objects costs more than the
    rest of the ticket.

    One that was merged into another is sold as that one.
    """
    rows = {row.id: row for row_id in ids for row in _BY_ID.rows(session, id=row_id, shop_id=shop_id)}
    merged = {row.merged_into for row in rows.values() if row.merged_into}
    if merged:
        kept = {row.id: row for row_id in merged for row in _BY_ID.rows(session, id=row_id, shop_id=shop_id)}
        rows = {row_id: kept.get(row.merged_into, row) for row_id, row in rows.items()} | kept
    return rows


_COST_HERE = (StockCost.product_id == Product.id) & (StockCost.shop_id == bindparam("shop_id"))
_BY_ID = Prepared(
    select(*Product.__table__.c, StockCost.average_minor)
    .outerjoin(StockCost, _COST_HERE)
    .where(Product.id == bindparam("id"))
)
_VAT_RATE = Prepared(select(Shop.vat_rate_bp).where(Shop.id == bindparam("shop_id")))


Found = tuple[StockUnit, Handset]


def _units_asked_for(ctx: Context, items: list[Item], wrong: dict[str, str]) -> dict[int, list[Found]]:
    """The stock units each item names, by device id or by number; unknown ones are noted in `wrong`."""
    found: dict[int, list[Found]] = {}
    for position, item in enumerate(items):
        names = [*([item.device_id] if item.device_id else []), *item.imeis]
        for name in names:
            piece = _unit_named(ctx, name)
            if piece is None:
                wrong[f"items.{position}"] = f"the phone {name[-15:]} is not in this shop's stock"
            else:
                found.setdefault(position, []).append(piece)
    return found


def _unit_named(ctx: Context, name: str) -> Found | None:
    """The stay in this shop of the handset with this id or number: the one that is open, else the newest."""
    number = "".join(sign for sign in name if sign.isalnum())
    query = (
        select(StockUnit, Handset)
        .join(Handset, Handset.id == StockUnit.handset_id)
        .where(StockUnit.shop_id == ctx.shop_id)
        .order_by(
            case((StockUnit.status.in_(OPEN_STATUSES), 0), else_=1), StockUnit.received_at.desc(), StockUnit.id.desc()
        )
        .limit(1)
    )
    if len(name) == 36:
        by_unit = ctx.session.execute(query.where(StockUnit.id == name)).first()
        row = by_unit or ctx.session.execute(query.where(StockUnit.handset_id == name)).first()
    else:
        row = None
        for column in (Handset.imei1, Handset.imei2, Handset.serial):
            row = row or ctx.session.execute(query.where(column == number)).first()
    return (row[0], row[1]) if row else None


def _custom_line(item: Item, tax_rate_bp: int) -> Line:
    price = item.unit_price or 0
    return Line(
        name=item.item_name or "", quantity=item.quantity, unit_price_minor=price, list_price_minor=price,
        floor_minor=0, discount_minor=item.discount_amount, cost_minor=item.unit_cost or 0,
        tax_rate_bp=tax_rate_bp, warranty_days=0,
        category=item.category or CUSTOM_CATEGORY,
    )  # fmt: skip


def _product_line(
    item: Item, product: Any, quantity: int, discount: int, tax_rate_bp: int, then: SaleLine | None
) -> Line:
    """A line of a catalogue product; `then` is the line that an amendment keeps as it was."""
    line = Line(
        name=product.name, quantity=quantity, unit_price_minor=product.price_minor,
        list_price_minor=product.price_minor, floor_minor=product.floor_minor, discount_minor=discount,
        cost_minor=product.cost_minor if product.average_minor is None else product.average_minor,
        tax_rate_bp=tax_rate_bp, warranty_days=product.warranty_days, product_id=product.id,
    )  # fmt: skip
    if then is not None:
        line.name, line.unit_price_minor = then.item_name, then.unit_price_minor
        line.list_price_minor = then.list_price_minor
        line.cost_minor, line.tax_rate_bp, line.warranty_days = then.cost_minor, then.tax_rate_bp, then.warranty_days
    if item.unit_price is not None:
        line.unit_price_minor = item.unit_price
    return line


def _serialised_lines(
    item: Item,
    place: str,
    product: Any,
    pieces: list[Found],
    tax_rate_bp: int,
    wrong: dict[str, str],
    then: SaleLine | None,
) -> list[Line]:
    """A line for each piece; two pieces are two distinct numbers."""
    if len(pieces) != item.quantity:
        missing = item.quantity - len(pieces)
        text = f"“{product.name}” needs the IMEI of each phone: scan {missing} more" if missing > 0 else (
            f"{len(pieces)} phones were scanned for a quantity of {item.quantity}"
        )  # fmt: skip
        wrong.setdefault(place, text)
        return []
    shares = spread(item.discount_amount, [1] * len(pieces))
    lines = []
    for (unit, handset), discount in zip(pieces, shares, strict=True):
        line = _product_line(item, product, 1, discount, tax_rate_bp, then)
        line.unit, line.imei, line.cost_minor = unit, handset.number, unit.cost_minor
        line.product_id = unit.product_id  # as it was taken into stock: its stay and its movements are of that product
        lines.append(line)
    return lines


def _refuse_twice(lines: list[Line], wrong: dict[str, str]) -> None:
    seen: set[str] = set()
    for line in lines:
        if line.unit is not None and line.unit.id in seen:
            wrong["items"] = f"the phone {line.imei} is on the ticket twice"
        if line.unit is not None:
            seen.add(line.unit.id)


def add_up(lines: list[Line], ticket_discount_minor: int) -> Totals:
    """The ticket's totals. Raises Invalid when a discount is too large."""
    try:
        return ticket_totals([line.sum for line in lines], ticket_discount_minor)
    except ValueError as wrong:
        raise Invalid({"discount_amount": str(wrong)}) from None


def check_prices(ctx: Context, lines: list[Line], ticket_discount_minor: int) -> None:
    """Ask for a second person when a line is below what the actor may give, the ticket's discount included.

    Raises ApprovalNeeded.
    """
    nets = [line.sum.net_minor for line in lines]
    full_price = ticket_discount_minor == 0 and all(
        line.product_id and net >= line.quantity * line.list_price_minor for line, net in zip(lines, nets, strict=True)
    )
    if full_price:
        return
    limits = all_numbers(ctx.session)
    custom = [line.sum.net_minor for line in lines if line.product_id is None]
    if custom:
        named = next(line.name for line in lines if line.product_id is None)
        _object(ctx, PriceCheck(named, 1, sum(custom), 0, 0, 0, is_custom=True), limits)
    for line, net, share in zip(lines, nets, spread(ticket_discount_minor, nets), strict=True):
        if line.product_id is not None:
            net_now = net - share
            check = PriceCheck(
                line.name, line.quantity, net_now, line.list_price_minor, line.floor_minor, line.cost_minor
            )
            _object(ctx, check, limits)


def _object(ctx: Context, check: PriceCheck, limits: dict[str, int]) -> None:
    objection = price_objection(ctx.actor.role, check, limits)
    if objection is not None:
        ctx.require_approval(objection)


def settle_payments(
    ctx: Context, total_minor: int, payments: list[Tendered], sale_id: str = "", *, given: Sequence[Handed] = (),
    typed: Collection[Tender] = (),
) -> list[Settled]:  # fmt: skip
    """The tenders as they are booked; every network reference is new for ever.

    given  tenders that come with the action, such as a trade-in
    typed  tenders beside money that may be named

    Raises Invalid, ReferenceUsed.
    """
    wrong: dict[str, str] = {}
    handed: list[Handed] = []
    for position, payment in enumerate(payments):
        try:
            method = tender_named(payment.method)
            if method not in MONEY and method not in typed:
                raise ValueError(method)
        except ValueError:
            known = ", ".join(tender.value for tender in Tender if tender in MONEY or tender in typed)
            wrong[f"payments.{position}.method"] = f"must be one of {known}"
            continue
        try:
            reference = normal_reference(payment.reference)
        except ValueError as odd:
            wrong[f"payments.{position}.reference"] = str(odd)
            continue
        if method in NEEDS_REFERENCE and reference is None:
            name = METHOD_NAMES[method]
            wrong[f"payments.{position}.reference"] = f"{name} needs the transaction id from the message"
        reference = None if method is Tender.CASH else reference
        handed.append(Handed(method, payment.amount, reference, payment.about_id))
    if wrong:
        raise Invalid(wrong)
    _refuse_used(ctx, handed, sale_id)
    try:
        return settle(total_minor, [*given, *handed])
    except NotSettled as short:
        raise Invalid({"payments": str(short)}) from None


def _refuse_used(ctx: Context, handed: list[Handed], sale_id: str) -> None:
    given = [(tender.method, tender.reference) for tender in handed if tender.reference and tender.method in MONEY]
    if len(set(given)) != len(given):
        raise Invalid({"payments": "the same transaction id was entered twice"})
    for method, reference in given:
        used = sale_with_reference(ctx.session, method.value, reference or "", sale_id)
        if used is not None:
            raise ReferenceUsed(METHOD_NAMES[method], used)

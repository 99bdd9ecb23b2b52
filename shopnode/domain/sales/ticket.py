"""From what was asked to a ticket that can be booked: lines priced, pieces found, limits checked.

A sale without price lists, named sellers or phones makes no query here beside those for its products: each product's
row tells whether any list names it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, case, exists, select
from sqlalchemy.orm import Session

from shopnode.domain.catalogue.models import Product
from shopnode.domain.context import Context
from shopnode.domain.errors import Invalid
from shopnode.domain.handsets.models import OPEN_STATUSES, Handset, StockUnit, UnitStatus, VatScheme
from shopnode.domain.handsets.numbers import handsets_by_number
from shopnode.domain.handsets.rules import spellings
from shopnode.domain.money import spread
from shopnode.domain.people.limits import ask_above, limits_for
from shopnode.domain.prepared import Prepared
from shopnode.domain.pricing.bundles import Part, parts_of
from shopnode.domain.pricing.models import RETAIL, Price
from shopnode.domain.pricing.queries import breaks_of
from shopnode.domain.pricing.rules import price_for
from shopnode.domain.sales.errors import NOT_AVAILABLE, UnitNotForSale
from shopnode.domain.sales.forms import Item
from shopnode.domain.sales.models import SaleLine
from shopnode.domain.sales.rules import (
    LineSum,
    PriceCheck,
    Totals,
    discount_objection,
    price_objection,
    ticket_totals,
)
from shopnode.domain.sales.terms import terms_now
from shopnode.domain.settings.queries import all_numbers, number_setting
from shopnode.domain.stock.models import StockCost
from shopnode.domain.usedphones.blocklist import blocked_or_none
from shopnode.domain.worths import Worth, refuse_absurd


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
    seller_id: str | None = None  # who sold this line; the ticket's seller if None
    warranty_terms: str | None = None
    parts: tuple[Part, ...] | None = None  # of a bundle: what one of them holds beside its phone
    margin_paid_minor: int | None = None  # where VAT is on the margin: what the phone's seller was paid
    tag_minor: int = 0  # what its product costs, where the piece itself is marked cheaper

    @property
    def dearest_minor(self) -> int:
        return max(self.unit_price_minor, self.list_price_minor, self.cost_minor)

    @property
    def sum(self) -> LineSum:
        of_one = self.unit_price_minor, self.discount_minor, self.tax_rate_bp, self.cost_minor
        return LineSum(self.quantity, *of_one, self.margin_paid_minor)


def price_lines(
    ctx: Context, items: list[Item], *, sold: Sequence[SaleLine] = (), list_id: str | None = None,
    tax_rate_bp: int | None = None, held_for: str | None = None,
) -> list[Line]:  # fmt: skip
    """The lines of a ticket, with every piece of a serialised product named.

    sold      lines this sale has already: an amendment may keep what it sold, at the price, cost, tax and warranty of
              then
    list_id   the price list of the customer
    held_for  the plan this ticket completes: what is reserved for it may be sold, though it is no longer on offer

    Raises Invalid naming every wrong item, UnitNotForSale.
    """
    wrong: dict[str, str] = {}
    units = _units_asked_for(ctx, items, wrong)
    wanted = {item.product_id for item in items if item.product_id}
    wanted |= {unit.product_id for found in units.values() for unit, _ in found}
    products = _products(ctx.session, ctx.shop_id, wanted, list_id)
    prices = _prices(ctx.session, items, units, products, list_id)
    parts = parts_of(ctx.session, ctx.shop_id, [row.id for row in products.values() if row.is_bundle])
    tax_rate_bp = terms_now(ctx).vat_rate_bp if tax_rate_bp is None else tax_rate_bp
    before = {line.product_id: line for line in sold if line.product_id}
    ours = {line.unit_id for line in sold if line.unit_id}
    lines: list[Line] = []
    for position, item in enumerate(items):
        place = f"items.{position}"
        if item.product_id is None and item.device_id is None:
            wrong |= {f"{place}.{name}": words for name, words in item.missing.items()}
            lines.append(_custom_line(item, tax_rate_bp))
            continue
        pieces = units.get(position, [])
        product_id = _product_named(item, pieces)
        product = products.get(product_id or "")
        then = before.get(product_id or "")
        if product is None:
            wrong.setdefault(place, "was not found in the catalogue")
        elif product.archived_at is not None and then is None and held_for is None:
            wrong[place] = f"“{product.name}” is no longer sold"
        elif product.only_shop_id not in (None, ctx.shop_id) and then is None and held_for is None:
            wrong[place] = f"“{product.name}” is sold in another shop only"
        elif product.is_bundle:
            discount, price = item.discount_amount, prices[product.id]
            line = _product_line(item, product, item.quantity, discount, tax_rate_bp, then, price)
            lines += _bundle_lines(item, place, line, parts[product.id], pieces, wrong)
        elif product.is_serialised:
            same = {row_id for row_id, row in products.items() if row.id == product.id}
            if any(unit.product_id not in same for unit, _ in pieces):
                wrong[place] = f"the scanned phone is not a “{product.name}”"
            else:
                line = _product_line(item, product, 1, 0, tax_rate_bp, then, prices[product.id])
                lines += _serialised_lines(item, place, line, pieces, wrong, own_price=then is None)
        else:
            discount, price = item.discount_amount, prices[product.id]
            lines.append(_product_line(item, product, item.quantity, discount, tax_rate_bp, then, price))
    _refuse_twice(lines, wrong)
    if wrong:
        raise Invalid(wrong)
    for line in lines:
        why = None if line.unit is None or line.unit.id in ours else _why_not(line.unit, ctx.now, held_for)
        if why is not None:
            raise UnitNotForSale(line.imei or "", why)
    if units:
        _refuse_blocked(ctx.session, units, ours)
        _tax_margins(ctx.session, lines, sold)
    return lines


def _tax_margins(session: Session, lines: list[Line], sold: Sequence[SaleLine]) -> None:
    """Where the owner chose it, a phone bought from a person is taxed on its margin (rule 21); not in a bundle, whose
    price is for other goods, too. What was sold keeps what was said then. Source: docs/rules/vat.md.
    """
    then = {line.unit_id: line.margin_paid_minor for line in sold if line.unit_id}
    used = [line for line in lines if line.unit and line.unit.vat_scheme == VatScheme.MARGIN and line.parts is None]
    is_chosen = bool(used) and number_setting(session, "vat_on_margin") == 1
    for line in used:
        assert line.unit is not None
        paid_minor = line.unit.cost_minor - (line.unit.refurbished_minor or 0)
        line.margin_paid_minor = then.get(line.unit.id, paid_minor if is_chosen else None)


def _refuse_blocked(session: Session, units: dict[int, list[Found]], ours: set[str]) -> None:
    """A phone reported stolen is not sold, by whichever of its numbers it was reported. One query for a ticket with
    phones, none for others. Raises UnitNotForSale.
    """
    pieces = [handset for found in units.values() for unit, handset in found if unit.id not in ours]
    numbers = [number for piece in pieces for number in (piece.imei1, piece.imei2, piece.serial) if number]
    block = blocked_or_none(session, numbers)
    if block is not None:
        raise UnitNotForSale(block.number, f"it is blocked: {block.reason}.")


def _why_not(unit: StockUnit, now: datetime, held_for: str | None) -> str | None:
    """Why this piece cannot be sold now, in words; None when it can (rules 19 and 24)."""
    if unit.status == UnitStatus.RESERVED and held_for is not None and unit.held_for == held_for:
        return None
    if unit.status != UnitStatus.IN_STOCK:
        return NOT_AVAILABLE.get(unit.status, "it is not in stock.")
    if unit.hold_until is not None and unit.hold_until > now:
        return f"it was bought used and is held until {unit.hold_until:%d %b %Y}."
    return None


def _product_named(item: Item, pieces: list[Found]) -> str | None:
    return item.product_id or (pieces[0][0].product_id if pieces else None)


def _products(session: Session, shop_id: str | None, ids: set[str], list_id: str | None) -> dict[str, Any]:
    """The products as plain rows, with what a piece costs here on average: reading them as objects costs more than the
    rest of the ticket.

    One that was merged into another is sold as that one.
    """
    asked = {"shop_id": shop_id, "list_id": list_id or RETAIL}
    rows = {row.id: row for row_id in ids for row in _BY_ID.rows(session, id=row_id, **asked)}
    merged = {row.merged_into for row in rows.values() if row.merged_into}
    if merged:
        kept = {row.id: row for row_id in merged for row in _BY_ID.rows(session, id=row_id, **asked)}
        rows = {row_id: kept.get(row.merged_into, row) for row_id, row in rows.items()} | kept
    return rows


_LISTED = exists().where(
    Price.product_id == bindparam("id"), Price.list_id.in_([RETAIL, bindparam("list_id")]), Price.archived_at.is_(None)
)
_COST_HERE = (StockCost.product_id == Product.id) & (StockCost.shop_id == bindparam("shop_id"))
_BY_ID = Prepared(
    select(*Product.__table__.c, StockCost.average_minor, _LISTED.label("is_listed"))
    .outerjoin(StockCost, _COST_HERE)
    .where(Product.id == bindparam("id"))
)


def _prices(
    session: Session, items: list[Item], units: dict[int, list[Found]], products: dict[str, Any], list_id: str | None
) -> dict[str, int]:
    """What one piece of each product costs on this ticket: all its pieces count towards a break (rule 34)."""
    prices = {row.id: row.price_minor for row in products.values()}
    listed = {row.id for row in products.values() if row.is_listed}
    if not listed:
        return prices
    breaks = breaks_of(session, listed, list_id)
    pieces: Counter[str] = Counter()
    for position, item in enumerate(items):
        product = products.get(_product_named(item, units.get(position, [])) or "")
        if product is not None:
            pieces[product.id] += item.quantity
    for product_id in listed:
        prices[product_id] = price_for(prices[product_id], breaks[product_id], list_id, pieces[product_id])
    return prices


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
    """The stay in this shop of the handset with this id or any of its numbers, however it was typed or scanned: the one
    that is open, else the newest."""
    query = (
        select(StockUnit, Handset)
        .join(Handset, Handset.id == StockUnit.handset_id)
        .where(StockUnit.shop_id == ctx.shop_id)
        .order_by(
            case((StockUnit.status.in_(OPEN_STATUSES), 0), else_=1), StockUnit.received_at.desc(), StockUnit.id.desc()
        )
        .limit(1)
    )
    if len(name) == 36 and name[8] == "-":
        by_unit = ctx.session.execute(query.where(StockUnit.id == name)).first()
        row = by_unit or ctx.session.execute(query.where(StockUnit.handset_id == name)).first()
    else:
        ids = [handset.id for handset in handsets_by_number(ctx.session, spellings(name))]
        row = ctx.session.execute(query.where(StockUnit.handset_id.in_(ids))).first() if ids else None
    return (row[0], row[1]) if row else None


def _custom_line(item: Item, tax_rate_bp: int) -> Line:
    price = item.unit_price or 0
    return Line(
        name=item.item_name or "", quantity=item.quantity, unit_price_minor=price, list_price_minor=price,
        floor_minor=0, discount_minor=item.discount_amount, cost_minor=item.unit_cost or 0,
        tax_rate_bp=tax_rate_bp, warranty_days=0,
        category=item.category, seller_id=item.seller_id,
    )  # fmt: skip


def _product_line(
    item: Item, product: Any, quantity: int, discount: int, tax_rate_bp: int, then: SaleLine | None, price_minor: int
) -> Line:
    """A line of a catalogue product; `then` is the line that an amendment keeps as it was."""
    line = Line(
        name=product.name, quantity=quantity, unit_price_minor=price_minor,
        list_price_minor=price_minor, floor_minor=product.floor_minor, discount_minor=discount,
        cost_minor=product.cost_minor if product.average_minor is None else product.average_minor,
        tax_rate_bp=tax_rate_bp, warranty_days=product.warranty_days, product_id=product.id,
        seller_id=item.seller_id, warranty_terms=product.warranty_terms,
    )  # fmt: skip
    if then is not None:
        line.name, line.unit_price_minor = then.item_name, then.unit_price_minor
        line.list_price_minor = then.list_price_minor
        line.cost_minor, line.tax_rate_bp, line.warranty_days = then.cost_minor, then.tax_rate_bp, then.warranty_days
        line.warranty_terms, line.seller_id = then.warranty_terms, item.seller_id or then.seller_id
    if item.unit_price is not None:
        line.unit_price_minor = item.unit_price
    return line


def _serialised_lines(
    item: Item, place: str, like: Line, pieces: list[Found], wrong: dict[str, str], *, own_price: bool = False
) -> list[Line]:
    """A line for each piece; two pieces are two distinct numbers. `own_price`: a piece that has one is sold at it."""
    if len(pieces) != item.quantity:
        missing = item.quantity - len(pieces)
        text = f"“{like.name}” needs the IMEI of each phone: scan {missing} more" if missing > 0 else (
            f"{len(pieces)} phones were scanned for a quantity of {item.quantity}"
        )  # fmt: skip
        wrong.setdefault(place, text)
        return []
    shares = spread(item.discount_amount, [1] * len(pieces))
    lines = []
    for (unit, handset), discount in zip(pieces, shares, strict=True):
        # Of the product as which it was taken into stock: its stay and its movements are of that one.
        line = replace(like, discount_minor=discount, unit=unit, imei=handset.number, product_id=unit.product_id)
        line.cost_minor = unit.cost_minor
        if own_price and unit.price_minor is not None:
            line.tag_minor = like.list_price_minor if unit.price_minor < like.list_price_minor else 0
            line.list_price_minor = unit.price_minor
            line.unit_price_minor = unit.price_minor if item.unit_price is None else item.unit_price
        lines.append(line)
    return lines


def _bundle_lines(
    item: Item, place: str, like: Line, parts: tuple[Part, ...], pieces: list[Found], wrong: dict[str, str]
) -> list[Line]:
    """One line for all bundles, or one for each where a phone is in it. It costs what its parts cost now (rule 27)."""
    rest = tuple(part for part in parts if not part.is_serialised)
    phone = next((part for part in parts if part.is_serialised), None)
    cost = sum(part.quantity * part.cost_minor for part in rest)
    if phone is None:
        return [replace(like, parts=rest, cost_minor=cost)]
    if any(unit.product_id != phone.product_id for unit, _ in pieces):
        wrong[place] = f"the scanned phone is not a “{phone.name}”, which “{like.name}” holds"
        return []
    lines = _serialised_lines(item, place, replace(like, quantity=1), pieces, wrong)
    return [replace(line, product_id=like.product_id, parts=rest, cost_minor=line.cost_minor + cost) for line in lines]


def _refuse_twice(lines: list[Line], wrong: dict[str, str]) -> None:
    seen: set[str] = set()
    for line in lines:
        if line.unit is not None and line.unit.id in seen:
            wrong["items"] = f"the phone {line.imei} is on the ticket twice"
        if line.unit is not None:
            seen.add(line.unit.id)


def add_up(lines: list[Line], ticket_discount_minor: int) -> Totals:
    """The ticket's totals. Raises Invalid when a discount is too large, or the ticket is."""
    refuse_absurd([Worth("items", line.name, line.quantity * line.dearest_minor) for line in lines], "items")
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
    given = 0
    for line, net, share in zip(lines, nets, spread(ticket_discount_minor, nets), strict=True):
        if line.product_id is not None:
            net_now = net - share
            given += max(0, line.quantity * line.list_price_minor - net_now)
            check = PriceCheck(
                line.name, line.quantity, net_now, line.list_price_minor, line.floor_minor, line.cost_minor,
                tag_minor=line.tag_minor,
            )  # fmt: skip
            _object(ctx, check, limits)
    ask_above(ctx, lambda person: discount_objection(person.role, given, limits_for(person, limits)))


def _object(ctx: Context, check: PriceCheck, limits: dict[str, int]) -> None:
    # A custom line is anybody's to approve who may approve at all; a price is not, below the approver's own limit.
    ask_above(
        ctx, lambda person: price_objection(person.role, check, limits_for(person, limits)), anybody=check.is_custom
    )

"""A cart with its prices: what the counter shows before anything is booked.

The same rules add it up here and when it is booked; the booking is what counts. What stands in a line's way is shown
in the line, with the way out.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from shopnode.domain.catalogue.models import Product
from shopnode.domain.catalogue.queries import products_as_read
from shopnode.domain.context import Context
from shopnode.domain.customers.models import Customer
from shopnode.domain.errors import Invalid
from shopnode.domain.handsets.models import StockUnit, UnitStatus
from shopnode.domain.money import spread
from shopnode.domain.people.limits import limits_for
from shopnode.domain.people.models import Shop
from shopnode.domain.pricing.queries import breaks_of
from shopnode.domain.pricing.rules import price_for
from shopnode.domain.queries import row_or_none
from shopnode.domain.sales.carts import CartBody, CartLine
from shopnode.domain.sales.errors import NOT_AVAILABLE
from shopnode.domain.sales.rules import LineSum, PriceCheck, price_objection, ticket_totals
from shopnode.domain.settings.queries import all_numbers
from shopnode.domain.stock.queries import on_hand
from shopnode.web.counter.brought import Brought, brought_with


@dataclass(frozen=True)
class Problem:
    """What keeps a line from being sold. way: unit, quantity or remove."""

    words: str
    way: str
    can: int = 0


@dataclass
class LineView:
    """One line as the counter shows it."""

    id: str
    product_id: str | None
    unit_id: str | None
    name: str
    imei: str | None
    quantity: int
    unit_price_minor: int
    list_price_minor: int
    floor_minor: int | None
    cost_minor: int
    discount_minor: int
    reason: str | None
    is_serialised: bool
    is_custom: bool
    tax_rate_bp: int
    problem: Problem | None = None
    objection: str | None = None
    tag_minor: int = 0  # what its product costs, where the phone itself is marked cheaper
    left: int | None = None  # pieces in stock, where they are fewer than wanted

    @property
    def total_minor(self) -> int:
        return self.quantity * self.unit_price_minor - self.discount_minor

    @property
    def sum(self) -> LineSum:
        return LineSum(self.quantity, self.unit_price_minor, self.discount_minor, self.tax_rate_bp, self.cost_minor)

    @property
    def cut(self) -> str | None:
        """What is unusual about the line, in words: taken off, above a limit, more than there is."""
        words = []
        if self.discount_minor:
            words.append(f"{self.discount_minor:,} off")
        elif self.unit_price_minor < self.list_price_minor:
            words.append(f"{self.list_price_minor - self.unit_price_minor:,} under the list price")
        if self.objection:
            words.append("needs approval when paid")
        if self.left is not None:
            words.append(f"only {self.left} in stock by our books")
        return ", ".join(words) or None


@dataclass
class CartView:
    """The cart with its prices, and what it adds up to."""

    lines: list[LineView]
    customer: Customer | None
    new_line_id: str | None
    discount_minor: int
    tax_minor: int = 0
    total_minor: int = 0
    reason: str | None = None
    brought: Brought | None = None

    @property
    def subtotal_minor(self) -> int:
        """After the lines' own discounts, before the ticket's."""
        return sum(line.total_minor for line in self.lines)

    @property
    def pieces(self) -> int:
        return sum(line.quantity for line in self.lines)

    @property
    def net_minor(self) -> int:
        """What changes hands; below zero when the customer gets some of it back."""
        return self.total_minor - (self.brought.worth_minor if self.brought else 0)

    @property
    def is_blocked(self) -> bool:
        return any(line.problem for line in self.lines) or bool(self.brought and self.brought.problem)

    @property
    def needs_approval(self) -> bool:
        return any(line.objection for line in self.lines)

    @property
    def discount_words(self) -> str:
        if self.needs_approval and not any(line.discount_minor for line in self.lines):
            return "Discount, needs approval when paid"
        return "Discount"


def price_cart(ctx: Context, body: CartBody) -> CartView:
    """The cart at today's prices."""
    session = ctx.session
    products = products_as_read(session, {line.product_id for line in body.lines if line.product_id})
    units = _by_id(session, StockUnit, {line.unit_id for line in body.lines})
    tax_rate_bp = session.scalar(select(Shop.vat_rate_bp).where(Shop.id == ctx.shop_id)) or 0
    customer = row_or_none(session, Customer, body.customer_id) if body.customer_id else None
    if customer is not None and customer.merged_into is not None:
        customer = row_or_none(session, Customer, customer.merged_into)
    prices = _prices(session, body, products, customer.price_list_id if customer else None)
    lines = [_line(line, products, units, tax_rate_bp, ctx.shop_id, prices) for line in body.lines]
    brought = brought_with(ctx, body)
    view = CartView(lines, customer, body.new_line_id, body.discount, reason=body.reason, brought=brought)
    _add_up(view)
    _mark_limits(ctx, view)
    _mark_stock(ctx, view)
    return view


def check_cart(ctx: Context) -> Any:
    """The check that `change_cart` makes before it keeps a change: discounts fit what they are taken from."""

    def check(session: Session, body: CartBody) -> None:
        view = price_cart(ctx.inside(session), body)
        for line in view.lines:
            if line.total_minor < 0:
                raise Invalid({"discount_minor": "is more than the line costs"})
        if body.discount and body.discount > max(0, view.subtotal_minor):
            raise Invalid({"discount_minor": "is more than the sale costs"})

    return check


def _prices(session: Session, body: CartBody, products: dict[str, Product], list_id: str | None) -> dict[str, int]:
    """What one piece of each product costs in this cart, as the ticket will say (docs/rules/prices.md)."""
    pieces: Counter[str] = Counter()
    for line in body.lines:
        if line.product_id in products:
            pieces[products[line.product_id].id] += line.quantity
    breaks = breaks_of(session, list(pieces), list_id) if pieces else {}
    found = {product.id: product.price_minor for product in products.values()}
    return {
        row_id: price_for(price, breaks.get(row_id, ()), list_id, pieces[row_id]) for row_id, price in found.items()
    }


def _line(
    wanted: CartLine, products: dict[str, Product], units: dict[str, Any], tax_rate_bp: int, shop_id: str | None,
    prices: dict[str, int],
) -> LineView:  # fmt: skip
    product: Product | None = products.get(wanted.product_id or "")
    unit: StockUnit | None = units.get(wanted.unit_id or "")
    listed = prices[product.id] if product else (wanted.unit_price or 0)
    tag = 0
    if unit is not None and unit.price_minor is not None:
        tag = listed if unit.price_minor < listed else 0
        listed = unit.price_minor
    line = LineView(
        id=wanted.id, product_id=wanted.product_id, unit_id=wanted.unit_id,
        name=product.name if product else (wanted.item_name or "Unknown"), imei=wanted.imei, quantity=wanted.quantity,
        unit_price_minor=listed if wanted.unit_price is None else wanted.unit_price, list_price_minor=listed,
        floor_minor=(product.floor_minor or None) if product else None,
        cost_minor=unit.cost_minor if unit else (product.cost_minor if product else (wanted.unit_cost or 0)),
        discount_minor=wanted.discount, reason=wanted.reason, is_serialised=wanted.unit_id is not None,
        is_custom=wanted.product_id is None, tax_rate_bp=tax_rate_bp, tag_minor=tag,
    )  # fmt: skip
    line.problem = _problem(wanted, line, product, unit, shop_id)
    return line


def _problem(
    wanted: CartLine, line: LineView, product: Product | None, unit: StockUnit | None, shop_id: str | None
) -> Problem | None:
    if wanted.product_id and (product is None or product.archived_at is not None):
        return Problem("This product is no longer sold. Take it off the sale.", "remove")
    if product is not None and product.only_shop_id not in (None, shop_id):
        return Problem("This product is sold in another shop only. Take it off the sale.", "remove")
    if wanted.unit_id and (unit is None or unit.status != UnitStatus.IN_STOCK):
        why = NOT_AVAILABLE.get(unit.status, "it is not in stock.") if unit else "it is not in stock."
        return Problem(f"This phone cannot be sold: {why}", "unit")
    if product is not None and product.is_serialised and wanted.unit_id is None:
        return Problem("This product is now sold by its IMEI. Take the line off and scan the phone.", "remove")
    if line.total_minor < 0:
        return Problem("The discount is more than the line costs now. Change the line.", "remove")
    return None


def _add_up(view: CartView) -> None:
    if not view.lines:
        return
    try:
        totals = ticket_totals([line.sum for line in view.lines], view.discount_minor)
    except ValueError:  # a price fell below a discount that was given: the line or the total says so
        view.total_minor = max(0, view.subtotal_minor - view.discount_minor)
        return
    view.total_minor, view.tax_minor = totals.total_minor, totals.tax_minor


def _mark_limits(ctx: Context, view: CartView) -> None:
    nets = [max(0, line.total_minor) for line in view.lines]
    limits = limits_for(ctx.actor, all_numbers(ctx.session))
    for line, net, share in zip(view.lines, nets, spread(min(view.discount_minor, sum(nets)), nets), strict=True):
        check = PriceCheck(
            line.name, line.quantity, net - share, line.list_price_minor, line.floor_minor or 0, line.cost_minor,
            is_custom=line.is_custom, tag_minor=line.tag_minor,
        )  # fmt: skip
        line.objection = price_objection(ctx.actor.role, check, limits)


def _mark_stock(ctx: Context, view: CartView) -> None:
    """Say where more is sold than there is. It is no refusal: what lies on the counter can be sold."""
    plain = {line.product_id for line in view.lines if line.product_id and not line.is_serialised}
    levels = on_hand(ctx.session, ctx.shop_id or "", [product_id for product_id in plain if product_id])
    for line in view.lines:
        level = levels.get(line.product_id or "", 0)
        line.left = level if not line.is_serialised and 0 < level < line.quantity else None


def _by_id(session: Session, model: Any, ids: set[str | None]) -> dict[str, Any]:
    wanted = ids - {None}
    return {row.id: row for row in session.scalars(select(model).where(model.id.in_(wanted)))} if wanted else {}

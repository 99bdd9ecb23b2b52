"""What stays with the customer when a part comes back: pieces that were cheaper because many were bought.

The pieces that stay, at what was paid for them, are held against the price of so few: whoever might not sell them at
that price alone needs a second person to leave them at it. Source: docs/rules/returns.md.
"""

from __future__ import annotations

from collections import defaultdict

from sqlalchemy import select

from shopnode.domain.catalogue.models import Product
from shopnode.domain.context import Context
from shopnode.domain.customers.models import Customer
from shopnode.domain.people.limits import ask_above, limits_for
from shopnode.domain.permissions import Role
from shopnode.domain.pricing.queries import breaks_of
from shopnode.domain.pricing.rules import price_for
from shopnode.domain.queries import row_or_none
from shopnode.domain.returns.goods import Goods
from shopnode.domain.returns.queries import returned_by_line
from shopnode.domain.sales.lookup import lines_now
from shopnode.domain.sales.models import SaleLine
from shopnode.domain.sales.rules import PriceCheck, price_objection
from shopnode.domain.settings.queries import all_numbers


def check_what_stays(ctx: Context, goods: Goods) -> None:
    """Raises ApprovalNeeded, NotPermitted."""
    products = {coming.line.product_id for coming in goods.lines if coming.line.product_id}
    if not products or ctx.actor.role is Role.OWNER:
        return
    customer = row_or_none(ctx.session, Customer, goods.summary.customer_id) if goods.summary.customer_id else None
    list_id = customer.price_list_id if customer else None
    breaks = breaks_of(ctx.session, products, list_id)
    if not any(breaks.values()):
        return
    gone = returned_by_line(ctx.session, goods.sale.id)
    for coming in goods.lines:
        gone[coming.line.id] = gone.get(coming.line.id, 0) + coming.quantity
    lines: dict[str, list[SaleLine]] = defaultdict(list)
    for line in lines_now(ctx.session, goods.sale.id):
        lines[line.product_id or ""].append(line)
    for product in ctx.session.scalars(select(Product).where(Product.id.in_(products)).order_by(Product.id)):
        sold = sum(line.quantity for line in lines[product.id])
        stays = sold - sum(gone.get(line.id, 0) for line in lines[product.id])
        of_all, of_few = (
            price_for(product.price_minor, breaks[product.id], list_id, pieces) for pieces in (sold, stays)
        )
        if stays and of_few > of_all:
            kept = sum(_kept_for(line, gone.get(line.id, 0)) for line in lines[product.id])
            _ask(ctx, product, PriceCheck(product.name, stays, kept, of_few, product.floor_minor, product.cost_minor))


def _kept_for(line: SaleLine, gone: int) -> int:
    """What was paid for the pieces of a line that stay."""
    net = line.quantity * line.unit_price_minor - line.discount_minor
    return net - net * gone // line.quantity


def _ask(ctx: Context, product: Product, check: PriceCheck) -> None:
    limits = all_numbers(ctx.session)
    words = (
        f"“{product.name}” was cheaper because more were bought: the {check.quantity} that stay were "
        f"{check.net_minor:,}, and cost {check.quantity * check.list_minor:,} by themselves."
    )
    ask_above(
        ctx,
        lambda person: words if price_objection(person.role, check, limits_for(person, limits)) else None,
    )

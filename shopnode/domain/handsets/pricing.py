"""The price of one piece: a used phone has its own where its product's is not right for it (docs/rules/prices.md)."""

from __future__ import annotations

from shopnode.domain.catalogue.models import Product
from shopnode.domain.context import Actor, Context
from shopnode.domain.people.limits import ask_above, limits_for
from shopnode.domain.sales.rules import PriceCheck, price_objection
from shopnode.domain.settings.queries import all_numbers


def check_own_price(ctx: Context, product: Product, price_minor: int, cost_minor: int) -> None:
    """A phone is not marked cheaper than whoever marks it may sell it: it would be a discount nobody approved.

    Raises ApprovalNeeded, NotPermitted.
    """
    limits = all_numbers(ctx.session)
    check = PriceCheck(product.name, 1, price_minor, product.price_minor, product.floor_minor, cost_minor)

    def objection(person: Actor) -> str | None:
        return price_objection(person.role, check, limits_for(person, limits))

    ask_above(ctx, objection)

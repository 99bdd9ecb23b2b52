"""What an amendment takes off a sale, weighed as what comes back: it is no way round the rules of returns.

Invariants:
  * A phone leaves a ticket by its own number, scanned, and is here; another number is refused (rule 51).
  * Goods that leave a ticket after the window, by whoever, need a second person (rule 53).
  * Less money in the drawer, a lower price for what stays, and anything that leaves a ticket of one's own need somebody
    who neither sold it nor took its money (rule 89). The owner needs nobody for these.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from shopnode.domain.accounts.queries import today_of
from shopnode.domain.catalogue.models import Product
from shopnode.domain.catalogue.queries import products_as_read
from shopnode.domain.context import Context
from shopnode.domain.errors import Invalid
from shopnode.domain.handsets.models import Handset, StockUnit
from shopnode.domain.handsets.rules import spellings
from shopnode.domain.permissions import Role
from shopnode.domain.queries import find_row
from shopnode.domain.returns.rules import days_late, paid_by_line
from shopnode.domain.sales.models import Sale, SaleLine, SaleSummary
from shopnode.domain.sales.ticket import Line
from shopnode.domain.settings.queries import number_setting

Thing = tuple[str, str]  # a phone, a product, or something named by hand


@dataclass(frozen=True)
class Pieces:
    """So many of one thing on a ticket, and what was paid for them after every discount."""

    quantity: int
    paid_minor: int


@dataclass(frozen=True)
class Difference:
    """What a ticket was and what it is to be."""

    removed: list[SaleLine]  # lines of which something leaves the ticket
    is_other_goods: bool
    is_cheaper: bool  # what stays costs less than was paid for it


def difference(ctx: Context, old: Sequence[SaleLine], was_off: int, new: Sequence[Line], is_off: int) -> Difference:
    """Compare the lines; `was_off` and `is_off`: the ticket's own discount before and after."""
    lines: list[SaleLine | Line] = [*old, *new]
    ids = {line.product_id for line in lines if line.product_id}
    read = products_as_read(ctx.session, ids)
    names = {row_id: row.id for row_id, row in read.items()}
    phones = {line.unit.id for line in new if line.unit is not None}
    before = _counted(
        [_thing(line, names) for line in old], [line.quantity for line in old],
        [line.quantity * line.unit_price_minor - line.discount_minor for line in old], was_off,
    )  # fmt: skip
    after = _counted(
        [_thing(line, names) for line in new], [line.quantity for line in new],
        [line.sum.net_minor for line in new], is_off,
    )  # fmt: skip
    nothing = Pieces(0, 0)
    fewer = {thing for thing, was in before.items() if after.get(thing, nothing).quantity < was.quantity}
    removed = [line for line in old if (line.unit_id not in phones if line.unit_id else _thing(line, names) in fewer)]
    more = any(before.get(thing, nothing).quantity < now.quantity for thing, now in after.items())
    return Difference(removed, bool(removed) or more, _is_cheaper(before, after))


def _thing(line: SaleLine | Line, names: dict[str, str]) -> Thing:
    name = line.item_name if isinstance(line, SaleLine) else line.name
    return ("product", names.get(line.product_id, line.product_id)) if line.product_id else ("by hand", name)


def _counted(things: list[Thing], quantities: list[int], nets: list[int], off: int) -> dict[Thing, Pieces]:
    sums: dict[Thing, list[int]] = defaultdict(lambda: [0, 0])
    for thing, quantity, paid in zip(things, quantities, paid_by_line(nets, off), strict=True):
        sums[thing][0] += quantity
        sums[thing][1] += paid
    return {thing: Pieces(*pair) for thing, pair in sums.items()}


def _is_cheaper(before: dict[Thing, Pieces], after: dict[Thing, Pieces]) -> bool:
    """Whether the pieces that stay cost less than they did; a shilling that discounts round by is none."""
    was = now = 0
    for thing, pieces in before.items():
        other = after.get(thing)
        if other is not None:
            stay = min(pieces.quantity, other.quantity)
            was += pieces.paid_minor * stay // pieces.quantity
            now += -(-other.paid_minor * stay // other.quantity)
    return now < was


def check_removed(
    ctx: Context, sale: Sale, summary: SaleSummary, removed: Sequence[SaleLine], scanned: Collection[str]
) -> None:
    """What leaves a ticket comes back to the shop: within the window, phones by their numbers.

    Raises Invalid, ApprovalNeeded.
    """
    _refuse_unscanned(ctx, removed, scanned)
    if not removed:
        return
    late = days_late(summary.business_on, today_of(ctx), number_setting(ctx.session, "return_window_days"))
    if late:
        ctx.require_approval(f"This was sold too long ago: {late} days after goods may come back.")
    if ctx.actor.id in _sellers(sale, removed):
        ask_another(ctx, sale, removed, "You sold this: what leaves its ticket is another's to see.")


def _refuse_unscanned(ctx: Context, removed: Sequence[SaleLine], scanned: Collection[str]) -> None:
    left = {text: set(spellings(text)) for text in scanned}
    missing = []
    for line in removed:
        if line.unit_id:
            unit = find_row(ctx.session, StockUnit, line.unit_id, "The sold phone")
            handset = find_row(ctx.session, Handset, unit.handset_id, "This phone")
            numbers = {line.imei, handset.imei1, handset.imei2, handset.serial, handset.eid}
            found = [text for text, ways in left.items() if ways & numbers]
            for text in found:
                del left[text]
            if not found:
                missing.append(line.item_name)
    if missing:
        names = ", ".join(f"“{name}”" for name in missing)
        raise Invalid({"came_back": f"is needed: scan the IMEI of the {names} that leaves the ticket and is here"})
    if left:
        raise Invalid({"came_back": f"{next(iter(left))[-15:]} is no phone that leaves this ticket: scan that one"})


def ask_another(ctx: Context, sale: Sale, lines: Sequence[SaleLine], words: str) -> None:
    """Demand somebody who neither sold it nor took its money. The owner needs nobody. Raises ApprovalNeeded."""
    if ctx.actor.role is Role.OWNER:
        return
    sellers = _sellers(sale, lines)
    ctx.require_approval(words, within=lambda person: person.role is Role.OWNER or person.id not in sellers)


def _sellers(sale: Sale, lines: Sequence[SaleLine]) -> set[str | None]:
    return {sale.cashier_id, sale.seller_id, *(line.seller_id for line in lines)} - {None}


def as_priced(ctx: Context, lines: Sequence[SaleLine]) -> list[Line]:
    """Lines that stay as they are, to be held against the limits of today."""
    products = products_as_read(ctx.session, {line.product_id for line in lines if line.product_id})
    return [_priced(line, products.get(line.product_id or "")) for line in lines]


def _priced(line: SaleLine, product: Product | None) -> Line:
    return Line(
        name=line.item_name, quantity=line.quantity, unit_price_minor=line.unit_price_minor,
        list_price_minor=line.list_price_minor, floor_minor=product.floor_minor if product else 0,
        discount_minor=line.discount_minor, cost_minor=line.cost_minor, tax_rate_bp=line.tax_rate_bp,
        warranty_days=line.warranty_days, product_id=line.product_id, margin_paid_minor=line.margin_paid_minor,
    )  # fmt: skip

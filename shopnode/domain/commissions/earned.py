"""What everybody earned in a period: computed from sales, returns, undone sales and repairs, never kept.

Invariants:
  * A line earns for who sold it, on the day of its sale, by the rule of that day.
  * What comes back, or was undone, takes the same away again on the day it came back (rule 59); all of a line takes
    back all of it.
  * A correction of a sale counts as if it had been sold so. A repair earns for its technician by its labour, once it is
    delivered; what it was billed by is no sale of anybody's; when that bill comes back, its labour is taken back.
    Work done again under warranty earns nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from shopnode.domain.catalogue.models import Product
from shopnode.domain.commissions.models import CommissionRule
from shopnode.domain.commissions.rules import Terms, earned_by, taken_back, terms_for
from shopnode.domain.context import Context
from shopnode.domain.money import spread, vat_inside
from shopnode.domain.people.models import Shop
from shopnode.domain.queries import among
from shopnode.domain.repairs.models import RepairTicket
from shopnode.domain.returns.models import SaleReturn, SaleReturnLine
from shopnode.domain.sales.models import DecisionKind, Sale, SaleAmendment, SaleDecision, SaleLine
from shopnode.domain.sales.rules import LineSum, in_feed_order
from shopnode.domain.stock.days import day_begins, day_ends

UNDOING = (DecisionKind.VOID.value, DecisionKind.REVERSE.value)


@dataclass(frozen=True)
class Earning:
    """One thing that earned something, or took it back."""

    staff_id: str
    day: date
    kind: str  # sale, repair, return or undone
    record_id: str  # the sale or the ticket
    number: str
    what: str
    quantity: int
    net_minor: int  # without VAT
    amount_minor: int  # − where it is taken back


@dataclass(frozen=True)
class _Sold:
    """A line as it stands, with what it earned."""

    line: SaleLine
    earning: Earning


def all_terms(session: Session) -> list[Terms]:
    """Every rule there is or was."""
    rows = session.scalars(select(CommissionRule).order_by(CommissionRule.starts_on, CommissionRule.id))
    return [
        Terms(
            row.id, row.category, row.staff_id, bool(row.of_repairs), row.rate_bp, row.per_piece_minor, row.starts_on,
            row.ends_on,
        )
        for row in rows
    ]  # fmt: skip


def earnings(
    ctx: Context, since: date, until: date, *, staff_id: str | None = None, shop_id: str | None = None
) -> list[Earning]:
    """Everything that earned or took back in a period, by day."""
    terms = all_terms(ctx.session)
    if not terms:
        return []
    zones = {shop.id: ZoneInfo(shop.timezone) for shop in ctx.session.scalars(select(Shop))}
    found = [*_of_goods(ctx, terms, zones, since, until), *_of_repairs(ctx, terms, zones, since, until)]
    shops = _in_shop(ctx.session, found, shop_id)
    kept = [
        one
        for one in found
        if since <= one.day <= until and one.amount_minor and (staff_id is None or one.staff_id == staff_id)
        and (shop_id is None or one.record_id in shops)
    ]  # fmt: skip
    return sorted(kept, key=lambda one: (one.day, one.number, one.kind, one.what))


def _in_shop(session: Session, found: list[Earning], shop_id: str | None) -> set[str]:
    if shop_id is None:
        return set()
    ids = sorted({one.record_id for one in found})
    of_shop = [
        select(model.id).where(among(model.id, ids), model.shop_id == shop_id) for model in (Sale, RepairTicket)
    ]  # fmt: skip
    return {row_id for query in of_shop for row_id in session.scalars(query)}


def _of_goods(
    ctx: Context, terms: list[Terms], zones: Mapping[str, ZoneInfo], since: date, until: date
) -> Iterator[Earning]:
    ids = _sales_touched(ctx, since, until)
    sales = _by(ctx.session.scalars(select(Sale).where(among(Sale.id, ids))), "id")
    lines = _group(ctx.session.scalars(select(SaleLine).where(among(SaleLine.sale_id, ids))), "sale_id")
    amended = select(SaleAmendment).where(among(SaleAmendment.sale_id, ids))
    amendments = _group(ctx.session.scalars(amended), "sale_id")
    undoing = select(SaleDecision).where(among(SaleDecision.sale_id, ids), SaleDecision.kind.in_(UNDOING))
    undone = _group(ctx.session.scalars(undoing), "sale_id")
    returned = _returns(ctx.session, ids)
    products = {line.product_id for group in lines.values() for line in group if line.product_id}
    named = select(Product.id, Product.category).where(among(Product.id, sorted(products)))
    categories = {row.id: row.category for row in ctx.session.execute(named)}
    for sale_id, sale in sales.items():
        zone = zones.get(sale.shop_id, ZoneInfo("UTC"))
        ended = in_feed_order(undone.get(sale_id, []))
        for sold in _sold(sale, lines.get(sale_id, []), amendments.get(sale_id, []), categories, terms):
            yield sold.earning
            yield from _taken_back(sold, returned.get(sold.line.id, []), ended[0].at if ended else None, zone)


def _sales_touched(ctx: Context, since: date, until: date) -> list[str]:
    """Sales of the period, those of which something came back in it, and those undone in it; no repair's bill."""
    first, end = day_begins(ctx, since), day_ends(ctx, until)
    session = ctx.session
    ids = set(session.scalars(select(Sale.id).where(Sale.business_on.between(since, until))))
    ids |= set(session.scalars(select(SaleReturn.sale_id).where(SaleReturn.at >= first, SaleReturn.at < end)))
    undone = select(SaleDecision.sale_id).where(
        SaleDecision.kind.in_(UNDOING), SaleDecision.at >= first, SaleDecision.at < end
    )
    ids |= set(session.scalars(undone))
    bills = select(RepairTicket.sale_id).where(RepairTicket.sale_id.is_not(None))
    return sorted(ids - set(session.scalars(bills)))


def _sold(
    sale: Sale, lines: list[SaleLine], amended: list[SaleAmendment], categories: Mapping[str, str], terms: list[Terms]
) -> Iterator[_Sold]:
    """The lines of a sale as they stand, each with what it earns who sold it."""
    changes = in_feed_order(amended)
    newest = next((change.id for change in reversed(changes) if change.replaces_lines), None)
    discount = next((c.discount_minor for c in reversed(changes) if c.discount_minor is not None), sale.discount_minor)
    standing = sorted((line for line in lines if line.amendment_id == newest), key=lambda line: line.line_no)
    nets = [_sum(line).net_minor for line in standing]
    for line, net, share in zip(standing, nets, spread(min(discount, sum(nets)), nets), strict=True):
        seller = line.seller_id or sale.seller_id
        if seller is None:
            continue
        taxed = net - share if line.margin_paid_minor is None else max(0, net - share - line.margin_paid_minor)
        without_vat = net - share - vat_inside(taxed, line.tax_rate_bp)
        category = line.category or categories.get(line.product_id or "")
        amount = earned_by(terms_for(terms, category, seller, sale.business_on), without_vat, line.quantity)
        yield _Sold(line, Earning(
            seller, sale.business_on, "sale", sale.id, sale.number, line.item_name, line.quantity, without_vat, amount
        ))  # fmt: skip


def _sum(line: SaleLine) -> LineSum:
    return LineSum(line.quantity, line.unit_price_minor, line.discount_minor, line.tax_rate_bp)


def _taken_back(
    sold: _Sold, returned: list[tuple[datetime, int]], undone_at: datetime | None, zone: ZoneInfo
) -> Iterator[Earning]:
    whole, before = sold.earning, 0
    for at, pieces in returned:
        amount = taken_back(whole.amount_minor, whole.quantity, before, pieces)
        net = taken_back(whole.net_minor, whole.quantity, before, pieces)
        before += pieces
        yield replace(
            whole, kind="return", day=at.astimezone(zone).date(), quantity=-pieces, net_minor=-net, amount_minor=-amount
        )
    if undone_at is not None and before < whole.quantity:
        rest = whole.quantity - before
        yield replace(
            whole, kind="undone", day=undone_at.astimezone(zone).date(), quantity=-rest,
            net_minor=-taken_back(whole.net_minor, whole.quantity, before, rest),
            amount_minor=-taken_back(whole.amount_minor, whole.quantity, before, rest),
        )  # fmt: skip


def _returns(session: Session, sale_ids: list[str]) -> dict[str, list[tuple[datetime, int]]]:
    """What came back of each line, the first first."""
    query = (
        select(SaleReturnLine.sale_line_id, SaleReturn.at, SaleReturnLine.quantity)
        .join(SaleReturn, SaleReturn.id == SaleReturnLine.return_id)
        .where(among(SaleReturn.sale_id, sale_ids))
        .order_by(SaleReturn.at, SaleReturn.id)
    )
    found: dict[str, list[tuple[datetime, int]]] = defaultdict(list)
    for line_id, at, quantity in session.execute(query):
        found[line_id].append((at, quantity))
    return found


def _of_repairs(
    ctx: Context, terms: list[Terms], zones: Mapping[str, ZoneInfo], since: date, until: date
) -> Iterator[Earning]:
    """Labour of repairs that were mended and delivered, and of those whose bill was undone or taken back since."""
    tickets = _tickets_touched(ctx, since, until)
    bills = sorted({ticket.sale_id for ticket in tickets if ticket.sale_id})
    undoing = select(SaleDecision).where(among(SaleDecision.sale_id, bills), SaleDecision.kind.in_(UNDOING))
    undone = _group(ctx.session.scalars(undoing), "sale_id")
    returned = _bills_returned(ctx.session, bills)
    rates = {shop.id: shop.vat_rate_bp for shop in ctx.session.scalars(select(Shop))}
    for ticket in tickets:
        zone = zones.get(ticket.shop_id, ZoneInfo("UTC"))
        day = ticket.delivered_at.astimezone(zone).date()
        net = ticket.labour_minor - vat_inside(ticket.labour_minor, rates.get(ticket.shop_id, 0))
        amount = earned_by(terms_for(terms, None, ticket.technician_id, day, of_repairs=True), net, 1)
        what = f"{ticket.brand} {ticket.model}"
        whole = Earning(ticket.technician_id, day, "repair", ticket.id, ticket.number, what, 1, net, amount)
        yield whole
        ended = in_feed_order(undone.get(ticket.sale_id or "", []))
        back = [("return", returned[ticket.sale_id])] if ticket.sale_id in returned else []
        back += [("undone", ended[0].at)] if ended else []
        for kind, at in back[:1]:  # a job is taken back once, whatever became of its bill after that
            yield replace(
                whole, kind=kind, day=at.astimezone(zone).date(), quantity=-1, net_minor=-net, amount_minor=-amount
            )


def _tickets_touched(ctx: Context, since: date, until: date) -> list[Any]:
    """Mended and delivered in the period, or delivered before and their bill undone or taken back in it."""
    first, end = day_begins(ctx, since), day_ends(ctx, until)
    undone = select(SaleDecision.sale_id).where(
        SaleDecision.kind.in_(UNDOING), SaleDecision.at >= first, SaleDecision.at < end
    )
    returned = select(SaleReturn.sale_id).where(SaleReturn.at >= first, SaleReturn.at < end)
    query = select(RepairTicket).where(
        or_(
            and_(RepairTicket.delivered_at >= first, RepairTicket.delivered_at < end),
            RepairTicket.sale_id.in_(undone), RepairTicket.sale_id.in_(returned),
        ),
        RepairTicket.delivered_at.is_not(None), RepairTicket.completed_at.is_not(None),
        RepairTicket.technician_id.is_not(None), RepairTicket.rework_of_id.is_(None),
    )  # fmt: skip
    return list(ctx.session.scalars(query))


def _bills_returned(session: Session, sale_ids: list[str]) -> dict[str, datetime]:
    """When the job on a repair's bill was taken back first; storage is its second line."""
    query = (
        select(SaleReturn.sale_id, func.min(SaleReturn.at))
        .join(SaleReturnLine, SaleReturnLine.return_id == SaleReturn.id)
        .join(SaleLine, SaleLine.id == SaleReturnLine.sale_line_id)
        .where(among(SaleReturn.sale_id, sale_ids), SaleLine.line_no == 1)
        .group_by(SaleReturn.sale_id)
    )
    return {row[0]: row[1] for row in session.execute(query)}


def _by(rows: Iterable[Any], name: str) -> dict[str, Any]:
    return {getattr(row, name): row for row in rows}


def _group(rows: Iterable[Any], name: str) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        found[getattr(row, name)].append(row)
    return found

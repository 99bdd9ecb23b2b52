"""The signals themselves: one function for each kind, and the rule in words that the owner reads above its findings.

Each reads what happened in some days and yields what its rule finds. The words of a finding name the figures it was
found by, so that it can be checked without us.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select, true

from shopnode.domain.audit.clocks import clock_changes
from shopnode.domain.audit.signals import Rule, Signal, SignalKind, Window
from shopnode.domain.cash.models import DrawerSession
from shopnode.domain.clock import to_ms
from shopnode.domain.context import Context
from shopnode.domain.people.access_models import StaffChoice
from shopnode.domain.people.models import Staff
from shopnode.domain.permissions import Role
from shopnode.domain.printing.models import JobKind, PrintJob
from shopnode.domain.returns.models import SaleReturn, SaleReturnLine
from shopnode.domain.sales.models import (
    CounterEvent,
    CounterEventKind,
    DecisionKind,
    Restock,
    Sale,
    SaleDecision,
    SaleLine,
    SaleSummary,
)
from shopnode.domain.sales.rules import UNDONE
from shopnode.domain.settings.queries import all_numbers

LEFT_AFTER_S = 120  # where nobody knows what was printed: by then the customer has the receipt and is gone
OPENS_MIN = 3  # in one day
NEAR_LIMIT_BP = 9_000  # of the limit
AT_LIMIT_MIN = 3
VARIANCES_MIN = 3


def voids_after_print(ctx: Context, window: Window) -> Iterator[Signal]:
    printed = _printed_at(ctx, window)
    for decision, sale, summary in ctx.session.execute(_undone(ctx, window)):
        began, paper = to_ms(decision.at), printed.get(sale.id)
        seconds = (began - to_ms(sale.sold_at)) // 1000
        was_printed = paper is not None and to_ms(paper) < began
        if not was_printed and seconds < LEFT_AFTER_S:
            continue
        word = "voided" if decision.kind == DecisionKind.VOID.value else "reversed"
        same = ", by the person who took the money" if decision.by_id == sale.cashier_id else ""
        paper_words = "its receipt had been printed" if was_printed else "the customer had the receipt by then"
        yield Signal(
            SignalKind.VOID_AFTER_PRINT, decision.at,
            f"{sale.number} was {word} {_span(seconds)} after it was sold{same}; {paper_words}. "
            f"The reason given: {decision.reason or 'none'}.",
            sale.shop_id, decision.by_id, "sale", sale.id, sale.number, summary.total_minor,
        )  # fmt: skip


def no_sale_opens(ctx: Context, window: Window) -> Iterator[Signal]:
    query = select(CounterEvent).where(CounterEvent.kind == CounterEventKind.NO_SALE.value)
    query = query.where(_between(CounterEvent.at, window), _here(ctx, CounterEvent.shop_id))
    days: dict[tuple[Any, ...], list[CounterEvent]] = defaultdict(list)
    for event in ctx.session.scalars(query.order_by(CounterEvent.at)):
        days[event.shop_id, event.by_id, window.day_of(event.at)].append(event)
    for (shop_id, person_id, day), events in days.items():
        if len(events) >= OPENS_MIN:
            reasons = "; ".join(sorted({event.note or "no reason" for event in events}))
            yield Signal(
                SignalKind.NO_SALE_OPENS, events[-1].at,
                f"The drawer was opened {len(events)} times without a sale on {day:%-d %B}: {reasons}.",
                shop_id, person_id, "counter_event", events[-1].id, f"{day}",
            )  # fmt: skip


def low_prices(ctx: Context, window: Window) -> Iterator[Signal]:
    """Discounts close to the limit and prices below cost: the same lines, read once."""
    below_list: list[tuple[SaleLine, SaleSummary]] = []
    for line, sale in ctx.session.execute(_sold_low(ctx, window)):
        got, cost = line.quantity * line.unit_price_minor - line.discount_minor, line.quantity * line.cost_minor
        if line.list_price_minor > 0 and got < line.quantity * line.list_price_minor:
            below_list.append((line, sale))
        # A gift is given on purpose and stands on the receipt as one.
        if line.unit_price_minor > 0 and got < cost and sale.status not in UNDONE:
            yield Signal(
                SignalKind.BELOW_COST, sale.sold_at,
                f"“{line.item_name}” on {sale.number} was sold for {got:,}; it cost {cost:,}, so {cost - got:,} were "
                "lost.",
                sale.shop_id, line.seller_id or sale.seller_id, "sale", sale.sale_id, sale.number, cost - got,
            )  # fmt: skip
    yield from _close_to_limit(ctx, below_list)


def _close_to_limit(ctx: Context, below_list: Iterable[tuple[SaleLine, SaleSummary]]) -> Iterator[Signal]:
    limits = _limits_of_people(ctx)
    given: dict[tuple[str, str], list[tuple[int, Any]]] = defaultdict(list)
    for line, sale in below_list:
        list_minor = line.quantity * line.list_price_minor
        off = list_minor - (line.quantity * line.unit_price_minor - line.discount_minor)
        if sale.cashier_id in limits:
            given[sale.shop_id, sale.cashier_id].append((off * 10_000 // list_minor, (line, sale, off)))
    for (shop_id, person_id), shares in given.items():
        limit = limits[person_id]
        near = [(share, told) for share, told in shares if limit * NEAR_LIMIT_BP // 10_000 <= share <= limit]
        if limit <= 0 or len(near) < AT_LIMIT_MIN:
            continue
        _, sale, _ = near[-1][1]
        lowest, highest = min(share for share, _ in near), max(share for share, _ in near)
        yield Signal(
            SignalKind.DISCOUNTS_AT_LIMIT, sale.sold_at,
            f"{len(near)} of {len(shares)} discounts were between {_percent(lowest)} and {_percent(highest)}; "
            f"what may be given alone is {_percent(limit)}. The last one is on {sale.number}.",
            shop_id, person_id, "sale", sale.sale_id, sale.number, sum(off for _, (_, _, off) in near),
        )  # fmt: skip


def refunds_without_unit(ctx: Context, window: Window) -> Iterator[Signal]:
    kind = SignalKind.REFUND_WITHOUT_UNIT
    unseen = and_(SaleLine.unit_id.is_not(None), SaleReturnLine.unit_id.is_(None))
    returned = (
        select(SaleReturn, SaleReturnLine, SaleLine)
        .join(SaleReturnLine, SaleReturnLine.return_id == SaleReturn.id)
        .join(SaleLine, SaleLine.id == SaleReturnLine.sale_line_id)
        .where(or_(unseen, SaleReturn.had_receipt.is_(False)))
        .where(_between(SaleReturn.at, window), _here(ctx, SaleReturn.shop_id))
    )
    for back, piece, line in ctx.session.execute(returned):
        how = "without its phone being scanned" if line.unit_id and not piece.unit_id else "without the receipt"
        yield Signal(
            kind, back.at, f"{back.number} gave {piece.refund_minor:,} back for “{line.item_name}” {how}. "
            f"The reason given: {back.reason}.",
            back.shop_id, back.by_id, "sale_return", back.id, back.number, piece.refund_minor,
        )  # fmt: skip
    scrapped = _undone(ctx, window).where(SaleDecision.restock == Restock.SCRAP.value)
    with_phone = select(SaleLine.id).where(SaleLine.sale_id == Sale.id, SaleLine.unit_id.is_not(None))
    for decision, sale, summary in ctx.session.execute(scrapped.where(with_phone.exists())):
        yield Signal(
            kind, decision.at, f"{sale.number} was undone and its phone written off instead of put back: the money "
            f"went out, and no phone came in. The reason given: {decision.reason or 'none'}.",
            sale.shop_id, decision.by_id, "sale", sale.id, sale.number, summary.total_minor,
        )  # fmt: skip


def clocks_changed(ctx: Context, window: Window) -> Iterator[Signal]:
    for change in clock_changes(ctx, window.begins, window.ends):
        yield Signal(
            SignalKind.CLOCK_CHANGED, change.at, change.words, change.shop_id, change.actor_id, "journal_entry",
            change.entry_id, f"entry {change.n:,}",
        )  # fmt: skip


def repeated_small_variances(ctx: Context, window: Window) -> Iterator[Signal]:
    limit = all_numbers(ctx.session).get("variance_limit_minor", 0)
    query = select(DrawerSession).where(_between(DrawerSession.closed_at, window), _here(ctx, DrawerSession.shop_id))
    query = query.where(DrawerSession.counted_minor.is_not(None), DrawerSession.expected_minor.is_not(None))
    counts: dict[tuple[str, str | None], list[DrawerSession]] = defaultdict(list)
    for drawer in ctx.session.scalars(query.order_by(DrawerSession.closed_at)):
        counts[drawer.shop_id, drawer.cashier_id or drawer.opened_by].append(drawer)
    for (shop_id, person_id), drawers in counts.items():
        off = [(drawer, (drawer.counted_minor or 0) - (drawer.expected_minor or 0)) for drawer in drawers]
        small = [(drawer, variance) for drawer, variance in off if 0 < abs(variance) <= limit]
        if len(small) < VARIANCES_MIN:
            continue
        total, short = sum(variance for _, variance in small), sum(1 for _, variance in small if variance < 0)
        last = small[-1][0]
        assert last.closed_at is not None
        yield Signal(
            SignalKind.REPEATED_SMALL_VARIANCE, last.closed_at,
            f"{len(small)} of {len(drawers)} counts were off by little, {short} of them short; {total:+,} in all. "
            f"None was above {limit:,}, from where somebody has to explain it.",
            shop_id, person_id, "drawer_session", last.id, f"{last.business_on.day} {last.business_on:%b %Y}",
            abs(total),
        )  # fmt: skip


def _undone(ctx: Context, window: Window) -> Any:
    kinds = [DecisionKind.VOID.value, DecisionKind.REVERSE.value]
    query = select(SaleDecision, Sale, SaleSummary).join(Sale, Sale.id == SaleDecision.sale_id)
    query = query.join(SaleSummary, SaleSummary.sale_id == Sale.id).where(SaleDecision.kind.in_(kinds))
    return query.where(_between(SaleDecision.at, window), _here(ctx, SaleDecision.shop_id))


def _printed_at(ctx: Context, window: Window) -> dict[str, datetime]:
    """When the receipts of undone sales began to be printed, where this computer's own printers did it."""
    if not ctx.home.is_shop:
        return {}
    undone = select(SaleDecision.sale_id).where(_between(SaleDecision.at, window))
    query = select(PrintJob.subject_id, PrintJob.sent_at).where(PrintJob.kind == JobKind.RECEIPT.value)
    rows = ctx.session.execute(query.where(PrintJob.subject_id.in_(undone), PrintJob.sent_at.is_not(None)))
    found: dict[str, datetime] = {}
    for row in rows:
        found[row.subject_id] = min(row.sent_at, found.get(row.subject_id, row.sent_at))
    return found


def _sold_low(ctx: Context, window: Window) -> Any:
    """Lines sold below the list or below what they cost, with their sale as it stands, in the order of time."""
    net = SaleLine.quantity * SaleLine.unit_price_minor - SaleLine.discount_minor
    low = or_(net < SaleLine.quantity * SaleLine.list_price_minor, net < SaleLine.quantity * SaleLine.cost_minor)
    query = select(SaleLine, SaleSummary).join(SaleSummary, SaleSummary.sale_id == SaleLine.sale_id)
    query = query.where(low, _between(SaleSummary.sold_at, window), _here(ctx, SaleSummary.shop_id))
    return query.order_by(SaleSummary.sold_at, SaleLine.id)


def _limits_of_people(ctx: Context) -> dict[str, int]:
    """What each person may give alone, in basis points: their own limit, or their role's. Owners have none."""
    numbers = all_numbers(ctx.session)
    of_role = {role.value: numbers.get(f"discount_limit_{role.value.lower()}_bp", 0) for role in Role}
    people = ctx.session.execute(select(Staff.id, Staff.role).where(Staff.role != Role.OWNER.value))
    limits = {row.id: of_role.get(row.role, 0) for row in people}
    own = select(StaffChoice.staff_id, StaffChoice.value).where(StaffChoice.key == "discount_limit_bp")
    for row in ctx.session.execute(own):
        if row.staff_id in limits and (row.value or "").isdigit():
            limits[row.staff_id] = int(row.value)
    return limits


def _between(column: Any, window: Window) -> ColumnElement[bool]:
    return and_(column >= window.begins, column < window.ends)


def _here(ctx: Context, column: Any) -> ColumnElement[bool]:
    return true() if ctx.shop_id is None else column == ctx.shop_id


def _span(seconds: int) -> str:
    for size, word in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            count = seconds // size
            return f"{count} {word}{'' if count == 1 else 's'}"
    return "less than a minute"


def _percent(share_bp: int) -> str:
    whole, rest = divmod(share_bp, 100)
    return f"{whole}.{rest:02d} %".replace(".00 %", " %")


def _rules() -> Iterable[Rule]:
    kinds = SignalKind
    yield Rule(
        kinds.VOID_AFTER_PRINT, "Voids after the receipt was printed",
        "Sales that were voided or reversed when their receipt was printed already, or more than two minutes after "
        "they were sold. The money may have stayed with somebody, and the customer with the paper.", voids_after_print,
    )  # fmt: skip
    yield Rule(
        kinds.NO_SALE_OPENS, "Drawer opened without a sale",
        f"Days on which one person opened the drawer {OPENS_MIN} times or more without selling.", no_sale_opens,
    )  # fmt: skip
    yield Rule(
        kinds.DISCOUNTS_AT_LIMIT, "Discounts close to the limit",
        f"People with {AT_LIMIT_MIN} discounts or more that are at least nine tenths of what they may give alone "
        "and not above it: the price may have been the customer's, and the rest somebody else's.", low_prices,
    )  # fmt: skip
    yield Rule(
        kinds.REFUND_WITHOUT_UNIT, "Refunds without the phone or the receipt",
        "Money that went back for a phone which was not scanned or went straight to scrap, or without the receipt.",
        refunds_without_unit,
    )  # fmt: skip
    yield Rule(
        kinds.BELOW_COST, "Prices below cost",
        "Lines that brought less than what the goods had cost. Gifts are left out, and sales that were undone.",
        low_prices,
    )  # fmt: skip
    yield Rule(
        kinds.CLOCK_CHANGED, "Clock changes",
        "Moments at which a computer's clock was set by more than two minutes, held against how long it had been "
        "running, or at which its time was before that of what it had recorded already.", clocks_changed,
    )  # fmt: skip
    yield Rule(
        kinds.REPEATED_SMALL_VARIANCE, "Small differences again and again",
        f"People whose drawer was off {VARIANCES_MIN} times or more by no more than what needs no explanation.",
        repeated_small_variances,
    )  # fmt: skip


RULES = list(_rules())

"""What an owner should ask somebody about: each signal is a plain question to the books, with its rule in words.

Invariants:
  * A signal accuses nobody. It says what was found, by which rule, and where to look; every figure in it can be
    counted again from the records it names.
  * Nothing is scored, learned or kept: asked again, the same books give the same answer.
  * Nothing here writes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from sqlalchemy import select

from shopnode.domain.context import Context
from shopnode.domain.errors import Invalid
from shopnode.domain.people.models import Shop
from shopnode.domain.people.queries import names_of

DAYS_DEFAULT, DAYS_MAX = 30, 366
FOUND_MAX = 200  # of one kind; whoever has more has found enough to ask about


class SignalKind(StrEnum):
    VOID_AFTER_PRINT = "void_after_print"
    NO_SALE_OPENS = "no_sale_opens"
    DISCOUNTS_AT_LIMIT = "discounts_at_limit"
    REFUND_WITHOUT_UNIT = "refund_without_unit"
    BELOW_COST = "below_cost"
    CLOCK_CHANGED = "clock_changed"
    REPEATED_SMALL_VARIANCE = "repeated_small_variance"


@dataclass(frozen=True)
class Signal:
    """One finding. `entity` and `record_id` name where to look; `person` is who did it, who may know why."""

    kind: SignalKind
    at: datetime
    why: str
    shop_id: str | None
    person_id: str | None
    entity: str
    record_id: str
    label: str  # what people call the record: a receipt's number
    amount_minor: int | None = None
    person: str | None = None
    shop: str | None = None


@dataclass(frozen=True)
class Window:
    """The days that are asked about, both included, and the zone they are days of."""

    since: date
    until: date
    zone: ZoneInfo

    @property
    def begins(self) -> datetime:
        return datetime.combine(self.since, time(), self.zone)

    @property
    def ends(self) -> datetime:
        return datetime.combine(self.until + timedelta(days=1), time(), self.zone)

    def day_of(self, at: datetime) -> date:
        return at.astimezone(self.zone).date()


Finder = Callable[[Context, Window], Iterable[Signal]]


@dataclass(frozen=True)
class Rule:
    """A kind of signal: what it is called, the rule in words, and the question itself."""

    kind: SignalKind
    title: str
    says: str
    find: Finder


def find_signals(
    ctx: Context, *, kind: SignalKind | None = None, since: date | None = None, until: date | None = None
) -> list[Signal]:
    """What was found in these days, the newest first. Raises Invalid for days in the wrong order, or too many."""
    window = make_window(ctx, since, until)
    asked = [rule for rule in rules() if kind in (None, rule.kind)]
    found: dict[SignalKind, list[Signal]] = {rule.kind: [] for rule in asked}
    for find in dict.fromkeys(rule.find for rule in asked):  # two rules may be answered by one reading
        for signal in find(ctx, window):
            if signal.kind in found:
                found[signal.kind].append(signal)
    kept = [signal for signals in found.values() for signal in sorted(signals, key=_newest)[-FOUND_MAX:]]
    return _named(ctx, sorted(kept, key=_newest, reverse=True))


def _newest(signal: Signal) -> tuple[datetime, str]:
    return signal.at, signal.record_id


def rules() -> list[Rule]:
    """Every kind of signal."""
    from shopnode.domain.audit.signal_rules import RULES

    return RULES


def make_window(ctx: Context, since: date | None, until: date | None) -> Window:
    """The days asked about; the last thirty where none are named. Raises Invalid."""
    query = select(Shop.timezone).order_by(Shop.id).limit(1)
    if ctx.shop_id is not None:
        query = query.where(Shop.id == ctx.shop_id)
    zone = ZoneInfo(ctx.session.scalar(query) or "UTC")
    last = until or ctx.now.astimezone(zone).date()
    if last > date.max - timedelta(days=2) or last < date.min + timedelta(days=DAYS_MAX + 2):
        raise Invalid({"until": "is no day of ours"})
    first = since or last - timedelta(days=DAYS_DEFAULT - 1)
    if first > last:
        raise Invalid({"until": "is before the first day"})
    if (last - first).days >= DAYS_MAX:
        raise Invalid({"since": f"ask for at most {DAYS_MAX} days"})
    return Window(first, last, zone)


def _named(ctx: Context, found: list[Signal]) -> list[Signal]:
    names = names_of(ctx.session, {signal.person_id for signal in found if signal.person_id})
    shops = {row.id: row.name for row in ctx.session.execute(select(Shop.id, Shop.name))}
    return [
        replace(signal, person=names.get(signal.person_id or ""), shop=shops.get(signal.shop_id or ""))
        for signal in found
    ]

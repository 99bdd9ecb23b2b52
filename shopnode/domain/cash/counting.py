"""Counting a drawer blind: what is expected is computed when a count is in, kept beside it, and told only then.

A count holds until money moves: what was sold meanwhile would make it wrong. One that holds may be repeated once, and
both are kept (rule 79).
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import orjson
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shopnode.domain.capture import insert_rows
from shopnode.domain.cash.forms import Counting, ForeignNotes, OpenDrawer, Pieces, Wallet, agreed_sum
from shopnode.domain.cash.models import DrawerSession, ForeignCash
from shopnode.domain.cash.queries import drawer_figures
from shopnode.domain.cash.rules import COUNTED_TENDERS, COUNTS_MAX, FLOATS, Difference, Sums, difference, sums_of
from shopnode.domain.closures.models import CountKind, DrawerCount
from shopnode.domain.context import Context
from shopnode.domain.errors import Conflict, Invalid
from shopnode.domain.money import exponent
from shopnode.domain.sales.models import MoneyState, Payment, PaymentOutcome
from shopnode.domain.settings.queries import number_setting


class CountedTwice(Conflict):
    code = "counted-twice"

    def __init__(self) -> None:
        super().__init__("This drawer was counted twice, and both counts are kept. Close it with the second one.")


class NotCounted(Invalid):
    def __init__(self) -> None:
        super().__init__({"counted": "is needed: count the drawer; what was counted before holds no more"})


def expected_now(session: Session, drawer: DrawerSession) -> Sums:
    """What must be in the drawer and beside it. Money of a network that is still coming is on no phone yet."""
    figures = drawer_figures(session, drawer)
    opening = opening_count(session, drawer.id)
    foreign = Counter(figures.foreign)
    foreign.update(opening.foreign if opening else {})
    coming = not_come(session, drawer.id)
    others = {
        tender.value: figures.by_method.get(tender.value, 0) - coming.get(tender.value, 0) for tender in COUNTED_TENDERS
    }
    return Sums(figures.expected_minor, dict(foreign), others)


def not_come(session: Session, drawer_id: str) -> dict[str, int]:
    """Mobile money of this session's sales that nobody has seen come, by tender (rule 40)."""
    came = PaymentOutcome.state == MoneyState.CONFIRMED.value
    told = select(PaymentOutcome.payment_id).where(PaymentOutcome.payment_id == Payment.id, came)
    query = (
        select(Payment.method, func.sum(Payment.amount_minor))
        .where(Payment.drawer_session_id == drawer_id)
        .where(Payment.state.in_((MoneyState.INITIATED.value, MoneyState.PENDING.value)), ~told.exists())
        .group_by(Payment.method)
    )
    return {method: int(amount) for method, amount in session.execute(query)}


def opening_count(session: Session, drawer_id: str) -> Sums | None:
    """What lay there when the session began; None for one that was opened before counts were kept."""
    query = select(DrawerCount).where(DrawerCount.drawer_session_id == drawer_id)
    row = session.scalars(query.where(DrawerCount.kind == CountKind.OPENING.value)).first()
    return sums_counted(row) if row else None


def sums_counted(row: DrawerCount) -> Sums:
    return Sums(row.cash_minor, orjson.loads(row.foreign_counted), orjson.loads(row.others_counted))


def sums_expected(row: DrawerCount) -> Sums:
    return sums_of(orjson.loads(row.expected))


def counts_of(session: Session, drawer_id: str) -> list[DrawerCount]:
    """Every count of a session, the first one first."""
    query = select(DrawerCount).where(DrawerCount.drawer_session_id == drawer_id)
    return list(session.scalars(query.order_by(DrawerCount.nth, DrawerCount.at, DrawerCount.id)))


def live_counts(session: Session, drawer: DrawerSession, expected: Sums) -> list[DrawerCount]:
    """The closing counts that still hold: no money has moved since."""
    closing = [row for row in counts_of(session, drawer.id) if row.kind != CountKind.OPENING]
    return [row for row in closing if sums_expected(row) == expected]


def keep_opening(ctx: Context, drawer: DrawerSession, opening: OpenDrawer) -> None:
    """Write down what was counted into a drawer that opens. Raises Invalid."""
    agreed_sum(opening.opening_float, opening.denominations, "opening_float")
    odd = next((n for n, row in enumerate(opening.wallets) if row.tender not in FLOATS), None)
    if odd is not None:
        raise Invalid({f"wallets.{odd}.tender": "is counted at closing: only floats are there at the opening"})
    counted = Sums(opening.opening_float, _foreign(opening.foreign), _wallets(opening.wallets))
    _write(ctx, drawer, CountKind.OPENING, 0, opening.denominations, counted, Sums(0))


def keep_count(ctx: Context, drawer: DrawerSession, kind: CountKind, told: Counting) -> DrawerCount:
    """Keep a count beside what is expected at this moment. Raises CountedTwice, Invalid."""
    cash = told.cash_minor()
    counted = Sums(cash, _foreign(told.foreign), _wallets(told.wallets))
    expected = expected_now(ctx.session, drawer)
    if len(live_counts(ctx.session, drawer, expected)) >= COUNTS_MAX:
        raise CountedTwice
    before = [row for row in counts_of(ctx.session, drawer.id) if row.kind != CountKind.OPENING]
    row_id = _write(ctx, drawer, kind, len(before) + 1, told.denominations, counted, expected)
    return ctx.session.scalars(select(DrawerCount).where(DrawerCount.id == row_id)).one()


def count_to_close_by(ctx: Context, drawer: DrawerSession, kind: CountKind, told: Counting) -> DrawerCount:
    """The count that ends a session: what is told now, or the last that holds. Raises NotCounted, CountedTwice."""
    if told.is_counted:
        return keep_count(ctx, drawer, kind, told)
    if told.foreign or told.wallets:
        raise NotCounted
    holding = live_counts(ctx.session, drawer, expected_now(ctx.session, drawer))
    if not holding:
        raise NotCounted
    return holding[-1]


def difference_of(session: Session, count: DrawerCount) -> Difference:
    """How far a count was off, foreign notes at the rate they were taken at last."""
    counted, expected = sums_counted(count), sums_expected(count)
    currencies = sorted({*counted.foreign, *expected.foreign})
    rates = {currency: _rate(session, count.drawer_session_id, currency) for currency in currencies}
    return difference(counted, expected, rates, {currency: exponent(currency) for currency in rates})


def within_limit(session: Session, off: Difference) -> bool:
    """Whether a difference needs nobody's approval."""
    return off.size_minor <= number_setting(session, "variance_limit_minor")


def _rate(session: Session, drawer_id: str, currency: str) -> int:
    query = select(ForeignCash.rate_minor).where(
        ForeignCash.drawer_session_id == drawer_id, ForeignCash.currency == currency
    )
    taken = session.scalar(query.order_by(ForeignCash.at.desc(), ForeignCash.id.desc()).limit(1))
    return taken or (number_setting(session, "usd_rate_minor") if currency == "USD" else 0)


def _foreign(notes: list[ForeignNotes]) -> dict[str, int]:
    found: dict[str, int] = {}
    for n, row in enumerate(notes):
        if row.currency in found:
            raise Invalid({f"foreign.{n}.currency": "is on the list already"})
        found[row.currency] = row.amount
    return found


def _wallets(wallets: list[Wallet]) -> dict[str, int]:
    found: dict[str, int] = {}
    for n, row in enumerate(wallets):
        if row.tender in found:
            raise Invalid({f"wallets.{n}.tender": "is on the list already"})
        found[row.tender] = row.amount
    return found


def _write(
    ctx: Context, drawer: DrawerSession, kind: CountKind, nth: int, pieces: list[Pieces] | None, counted: Sums,
    expected: Sums,
) -> str:  # fmt: skip
    row: dict[str, Any] = {
        "id": ctx.new_id(), "shop_id": ctx.shop_id, "drawer_session_id": drawer.id, "kind": kind.value, "nth": nth,
        "notes_counted": as_text({str(line.value): line.pieces for line in pieces or []}),
        "cash_minor": counted.cash_minor, "foreign_counted": as_text(counted.foreign),
        "others_counted": as_text(counted.others), "expected": as_text(expected.as_json()),
        "at": ctx.now, "by_id": ctx.actor.id,
    }  # fmt: skip
    insert_rows(ctx.session, DrawerCount, [row])
    return str(row["id"])


def as_text(content: Any) -> str:
    """JSON with one spelling."""
    return orjson.dumps(content, option=orjson.OPT_SORT_KEYS).decode()

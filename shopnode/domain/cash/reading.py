"""What people may see of a drawer, and when: in the shop nobody sees a sum before the drawer was counted (rule 79)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import exists, select

from shopnode.domain.cash.counting import difference_of, expected_now, live_counts
from shopnode.domain.cash.models import DrawerSession, MoneyKind, MoneyMove
from shopnode.domain.cash.queries import forgotten_sessions
from shopnode.domain.cash.reports import session_report
from shopnode.domain.cash.rules import Sums
from shopnode.domain.closures.models import BankConfirmation, ZReport
from shopnode.domain.context import Context
from shopnode.domain.errors import NotFound
from shopnode.domain.paging import PAGE_DEFAULT, Page, latest
from shopnode.domain.permissions import Permission
from shopnode.domain.queries import find_row


@dataclass(frozen=True)
class XReport:
    """A session so far. While it is blind there are no sums in it."""

    drawer: DrawerSession
    is_blind: bool
    is_forgotten: bool
    sales: int
    undone: int
    no_sales: list[dict[str, Any]]
    report: dict[str, Any] | None
    expected: dict[str, Any] | None


@dataclass(frozen=True)
class Deposit:
    """Money with a slip; of cash that was brought to the bank, what the bank says of it."""

    move: MoneyMove
    confirmed: BankConfirmation | None

    @property
    def is_deposit(self) -> bool:
        return self.move.kind == MoneyKind.BANK_DEPOSIT


# Cash that moves between the drawer, the safe, the bank and whoever it is given to.
CASH_SLIPS = (MoneyKind.PAY_IN, MoneyKind.PAY_OUT, MoneyKind.SAFE_DROP, MoneyKind.BANK_DEPOSIT)


def find_session(ctx: Context, drawer_id: str) -> DrawerSession:
    """A drawer session of this shop; in the portal, of any. Raises NotFound."""
    drawer = find_row(ctx.session, DrawerSession, drawer_id, "This drawer session")
    if ctx.shop_id is not None and drawer.shop_id != ctx.shop_id:
        raise NotFound("This drawer session")
    return drawer


def x_report(ctx: Context, drawer_id: str) -> XReport:
    """A session's report at any time, which changes nothing (rule 80). Raises NotFound."""
    drawer = find_session(ctx, drawer_id)
    report, expected = session_report(ctx.session, drawer), expected_now(ctx.session, drawer)
    far_away = not ctx.home.is_shop and ctx.may(Permission.CLOSURES_REVIEW)
    is_blind = drawer.is_open and not far_away and not _is_right(ctx, drawer, expected)
    forgotten = {row.id for row in forgotten_sessions(ctx.session, drawer.shop_id, ctx.now)} if drawer.is_open else ()
    return XReport(
        drawer, is_blind, drawer.id in forgotten, report["sales"]["count"], report["sales"]["undone"],
        report["no_sales"], None if is_blind else report, None if is_blind else expected.as_json(),
    )  # fmt: skip


def _is_right(ctx: Context, drawer: DrawerSession, expected: Sums) -> bool:
    """Whether somebody counted what is expected, to the last coin, so that the sums tell them nothing. Whoever was told
    them after another count would count once more, by the figure they know, and take the rest."""
    return any(
        difference_of(ctx.session, count).size_minor == 0 for count in live_counts(ctx.session, drawer, expected)
    )


def find_z(ctx: Context, z_report_id: str) -> ZReport:
    """One Z report. Raises NotFound."""
    row = find_row(ctx.session, ZReport, z_report_id, "This Z report")
    if ctx.shop_id is not None and row.shop_id != ctx.shop_id:
        raise NotFound("This Z report")
    return row


def list_deposits(ctx: Context, *, limit: int = PAGE_DEFAULT, cursor: str | None = None) -> Page[Deposit]:
    """Deposits at the bank, the latest first. Raises Invalid for a cursor of another list."""
    return list_slips(ctx, (MoneyKind.BANK_DEPOSIT,), limit=limit, cursor=cursor)


def list_slips(
    ctx: Context, kinds: Collection[MoneyKind] = CASH_SLIPS, *, only_unconfirmed: bool = False,
    limit: int = PAGE_DEFAULT, cursor: str | None = None,
) -> Page[Deposit]:  # fmt: skip
    """Slips of some kinds, the latest first; deposits alone that the bank did not confirm, if asked for.

    Raises Invalid for a cursor of another list.
    """
    query = select(MoneyMove).where(MoneyMove.kind.in_([kind.value for kind in kinds]))
    if ctx.shop_id is not None:
        query = query.where(MoneyMove.shop_id == ctx.shop_id)
    if only_unconfirmed:
        query = query.where(~exists().where(BankConfirmation.money_move_id == MoneyMove.id))
    page = latest(ctx.session, query, MoneyMove.at, MoneyMove.id, limit, cursor)
    return Page(_confirmed(ctx, page.rows), page.next_cursor)


def find_slip(ctx: Context, move_id: str) -> Deposit:
    """One slip of cash in or out. Raises NotFound."""
    move = find_row(ctx.session, MoneyMove, move_id, "This slip")
    if move.kind not in CASH_SLIPS or (ctx.shop_id is not None and move.shop_id != ctx.shop_id):
        raise NotFound("This slip")
    return _confirmed(ctx, [move])[0]


def _confirmed(ctx: Context, moves: list[MoneyMove]) -> list[Deposit]:
    found = select(BankConfirmation).where(BankConfirmation.money_move_id.in_([row.id for row in moves]))
    confirmed = {row.money_move_id: row for row in ctx.session.scalars(found)} if moves else {}
    return [Deposit(row, confirmed.get(row.id)) for row in moves]

"""What people may see of a drawer, and when: in the shop nobody sees a sum before the drawer was counted (rule 79)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from shopnode.domain.cash.counting import expected_now, live_counts
from shopnode.domain.cash.models import DrawerSession, MoneyKind, MoneyMove
from shopnode.domain.cash.queries import forgotten_sessions
from shopnode.domain.cash.reports import session_report
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
    """Cash that was brought to the bank, and what the bank says of it."""

    move: MoneyMove
    confirmed: BankConfirmation | None


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
    is_blind = drawer.is_open and not far_away and not live_counts(ctx.session, drawer, expected)
    forgotten = {row.id for row in forgotten_sessions(ctx.session, drawer.shop_id, ctx.now)} if drawer.is_open else ()
    return XReport(
        drawer, is_blind, drawer.id in forgotten, report["sales"]["count"], report["sales"]["undone"],
        report["no_sales"], None if is_blind else report, None if is_blind else expected.as_json(),
    )  # fmt: skip


def find_z(ctx: Context, z_report_id: str) -> ZReport:
    """One Z report. Raises NotFound."""
    row = find_row(ctx.session, ZReport, z_report_id, "This Z report")
    if ctx.shop_id is not None and row.shop_id != ctx.shop_id:
        raise NotFound("This Z report")
    return row


def list_deposits(ctx: Context, *, limit: int = PAGE_DEFAULT, cursor: str | None = None) -> Page[Deposit]:
    """Deposits at the bank, the latest first. Raises Invalid for a cursor of another list."""
    query = select(MoneyMove).where(MoneyMove.kind == MoneyKind.BANK_DEPOSIT.value)
    if ctx.shop_id is not None:
        query = query.where(MoneyMove.shop_id == ctx.shop_id)
    page = latest(ctx.session, query, MoneyMove.at, MoneyMove.id, limit, cursor)
    found = select(BankConfirmation).where(BankConfirmation.money_move_id.in_([row.id for row in page.rows]))
    confirmed = {row.money_move_id: row for row in ctx.session.scalars(found)}
    return Page([Deposit(row, confirmed.get(row.id)) for row in page.rows], page.next_cursor)

"""Slips of cash beside sales: into the drawer, out of it, to the safe, to the bank; and what the bank says of it.

The slips are written at the drawer; here they are looked at, and a deposit is confirmed from the bank's statement.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flask import Response, g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from shopnode.domain.accounts.queries import today_of
from shopnode.domain.cash.models import MoneyKind
from shopnode.domain.cash.reading import CASH_SLIPS, Deposit, find_slip, list_slips
from shopnode.domain.cash.slips import safe_minor
from shopnode.domain.errors import ShopError
from shopnode.domain.paging import PAGE_DEFAULT, PAGE_MAX, Page
from shopnode.domain.people.queries import names_of
from shopnode.domain.permissions import Permission
from shopnode.domain.photos.store import photo_or_none
from shopnode.papers import money_title
from shopnode.web.office.blueprint import bp
from shopnode.web.office.lines import known_ids, shop_names
from shopnode.web.office.sales import plain_amount
from shopnode.web.office.spreadsheets import asked_file, table_answer
from shopnode.web.ui.forms import asked_money, posted, posted_action_id
from shopnode.web.ui.frame import page, part
from shopnode.web.ui.pictures import kept_photo
from shopnode.web.ui.refusals import field_errors, on_refusal
from shopnode.web.ui.request import act, is_htmx

TO_CONFIRM = "to_confirm"
KINDS = [
    ("", "of every kind"), (TO_CONFIRM, "the bank has not confirmed"), (MoneyKind.BANK_DEPOSIT.value, "to the bank"),
    (MoneyKind.SAFE_DROP.value, "to the safe and back"), (MoneyKind.PAY_OUT.value, "paid out"),
    (MoneyKind.PAY_IN.value, "paid in"),
]  # fmt: skip
TITLES = ["Slip", "Kind", "Amount", "Why", "At", "By", "The bank confirms", "On", "Reference"]
FIELDS = {"amount", "confirmed_on", "reference"}


@bp.get("/cash-slips")
def cash_slips() -> ResponseReturnValue:
    """Slips, the latest first, and what lies in the safe."""
    kind = request.args.get("kind", "")
    kind = kind if kind in dict(KINDS) else ""
    file = asked_file()
    if file is not None:
        shops = shop_names()
        return table_answer("cash-slips", file, ["Shop", *TITLES] if shops else TITLES, _file_rows(kind, shops))
    found = _slips(kind, PAGE_DEFAULT, request.args.get("cursor"))
    filters: dict[str, Any] = {"kind": kind} if kind else {}
    next_url = url_for("office.cash_slips", cursor=found.next_cursor, **filters) if found.next_cursor else None
    people = names_of(g.ctx.session, known_ids(*(slip.move.by_id for slip in found.rows)))
    values = {"rows": found.rows, "people": people, "shops": shop_names(), "next_url": next_url, "filters": filters,
              "title_of": _title}  # fmt: skip
    if "cursor" in request.args:
        return part("office/_cash_slip_rows.html", **values)
    if is_htmx():
        return part("office/_cash_slips.html", **values)
    sees_safe = g.ctx.shop_id is not None and g.ctx.may(Permission.CLOSURES_REVIEW)
    safe = safe_minor(g.ctx.session, g.ctx.shop_id) if sees_safe else None
    return page("office/cash_slips.html", kinds=KINDS, safe=safe, crumbs=[("Cash slips", None)], **values)


@bp.get("/cash-slips/<id:move_id>")
def cash_slip(move_id: str) -> str:
    """One slip, with its photo; a deposit is confirmed here."""
    return _detail(move_id)


@bp.post("/cash-slips/<id:move_id>/confirm")
def confirm_cash_slip(move_id: str) -> ResponseReturnValue:
    """What the bank's statement says of a deposit."""
    typed = posted()
    on_refusal(lambda error: _detail(move_id, error, typed))
    form = {
        "money_move_id": move_id, "amount": asked_money(typed, "amount"),
        "confirmed_on": typed.get("confirmed_on", ""), "reference": typed.get("reference") or None,
    }  # fmt: skip
    act("cash.confirm_deposit", form, action_id=posted_action_id(typed))
    return redirect(url_for("office.cash_slip", move_id=move_id), 303)


@bp.get("/cash-slips/<id:move_id>/photo/<name>")
def cash_slip_photo(move_id: str, name: str) -> Response:
    """The photo itself, while it is this slip's."""
    move = find_slip(g.ctx, move_id).move
    return kept_photo(name if move.photo == name else None)


def _slips(kind: str, limit: int, cursor: str | None) -> Page[Deposit]:
    kinds = (MoneyKind.BANK_DEPOSIT,) if kind == TO_CONFIRM else (MoneyKind(kind),) if kind else CASH_SLIPS
    return list_slips(g.ctx, kinds, only_unconfirmed=kind == TO_CONFIRM, limit=limit, cursor=cursor)


def _file_rows(kind: str, shops: Mapping[str, str]) -> Iterator[list[Any]]:
    cursor: str | None = None
    while True:
        found = _slips(kind, PAGE_MAX, cursor)
        names = names_of(g.ctx.session, known_ids(*(slip.move.by_id for slip in found.rows)))
        for slip in found.rows:
            move, said = slip.move, slip.confirmed
            bank = [plain_amount(said.amount_minor), said.confirmed_on, said.reference] if said else ["", "", ""]
            yield [*([shops.get(move.shop_id, "")] if shops else []), move.number, _title(slip),
                   plain_amount(move.amount_minor), move.note, move.at, names.get(move.by_id or "", ""),
                   *bank]  # fmt: skip
        cursor = found.next_cursor
        if cursor is None:
            return


def _detail(move_id: str, error: ShopError | None = None, typed: Mapping[str, str] | None = None) -> str:
    slip = find_slip(g.ctx, move_id)
    move = slip.move
    people = names_of(g.ctx.session, known_ids(move.by_id, slip.confirmed.by_id if slip.confirmed else None))
    return page(
        "office/cash_slip.html", slip=slip, move=move, title=_title(slip), people=people, today=today_of(g.ctx),
        shop_name=shop_names().get(move.shop_id, ""), shop_prints=g.ctx.home.is_shop,
        photo_here=bool(move.photo and photo_or_none(g.ctx.session, move.photo)),
        may_confirm=slip.is_deposit and slip.confirmed is None and g.ctx.may(Permission.CLOSURES_UPDATE),
        errors=field_errors(error, FIELDS) if error else {}, typed=typed or {},
        crumbs=[("Cash slips", url_for("office.cash_slips")), (move.number or "Slip", None)],
    )  # fmt: skip


def _title(slip: Deposit) -> str:
    return money_title(MoneyKind(slip.move.kind), slip.move.amount_minor)

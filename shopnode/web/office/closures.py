"""Days: all of them by state, those that nobody submitted yet, and one with what it is made of and what was decided.

A day is submitted and corrected in its shop, where the drawers are; it is decided in either home. Whether somebody may
decide is asked by the action; what is offered here follows the same law, and says in words why something is not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flask import g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound

from shopnode.domain.closures.days import (
    DayChoice,
    DayState,
    WholeDay,
    hindrance_of,
    list_days,
    unsubmitted_days,
    whole_day,
)
from shopnode.domain.closures.models import ClosureDecisionKind, ClosureStatus
from shopnode.domain.closures.queries import ClosureView, closure_view
from shopnode.domain.closures.rules import MAY_FOLLOW
from shopnode.domain.errors import ShopError
from shopnode.domain.paging import PAGE_DEFAULT, PAGE_MAX
from shopnode.domain.people.queries import names_of
from shopnode.domain.permissions import Permission, Role
from shopnode.web.office.blueprint import bp
from shopnode.web.office.lines import known_ids, shop_names
from shopnode.web.office.sales import plain_amount
from shopnode.web.office.second import asked_approval, second_people
from shopnode.web.office.spreadsheets import asked_file, table_answer
from shopnode.web.ui.forms import asked_money, posted, posted_action_id
from shopnode.web.ui.frame import page, part
from shopnode.web.ui.refusals import field_errors, on_refusal
from shopnode.web.ui.request import act, is_htmx

STATES = [
    ("", "in every state"), (DayState.WAITING.value, "to decide"), (DayState.APPROVED.value, "approved, not locked"),
    (DayState.LOCKED.value, "locked"), (DayState.REJECTED.value, "rejected"), (DayState.OFF.value, "with a difference"),
]  # fmt: skip
# The day's amounts: the name the API has, the row's, and the word.
AMOUNTS = (
    ("cash_amount", "cash_minor", "Cash"), ("mtn_amount", "mtn_minor", "MTN MoMo"),
    ("airtel_amount", "airtel_minor", "Airtel Money"), ("card_amount", "card_minor", "Card"),
    ("bank_transfer", "bank_minor", "Bank"), ("other_amount", "other_minor", "Foreign notes, at their worth"),
)  # fmt: skip
TITLES = ["Day", "Closure", "State", "From customers", *(words for _, _, words in AMOUNTS), "Counted", "Expected",
          "Difference", "Submitted by", "Submitted at", "Decided by", "Notes"]  # fmt: skip
VERBS = ("review", "approve", "reject", "lock", "withdraw")
SHOWN_FIELDS = {"reason", "notes", *(name for name, _, _ in AMOUNTS)}


@bp.get("/closures")
def closures() -> ResponseReturnValue:
    """Days, the latest submitted first, and what was not submitted yet."""
    choice = _choice()
    file = asked_file()
    if file is not None:
        shops = shop_names()
        titles = ["Shop", *TITLES] if shops else TITLES
        return table_answer("days", file, titles, _file_rows(choice, shops))
    return _list()


@bp.post("/closures")
def submit_closure() -> ResponseReturnValue:
    """Submit a day as its Z reports add up."""
    typed = posted()
    on_refusal(lambda error: _list(field_errors(error)))
    form = {"business_on": typed.get("business_on", ""), "notes": typed.get("notes") or None}
    done = act("closures.submit", form, action_id=posted_action_id(typed)).result
    return redirect(url_for("office.closure", closure_id=done["closure_id"]), 303)


@bp.get("/closures/<id:closure_id>")
def closure(closure_id: str) -> str:
    """One day: what was collected, how far it was off, who decided what."""
    return _detail(closure_id)


@bp.post("/closures/<id:closure_id>/correct")
def correct_closure(closure_id: str) -> ResponseReturnValue:
    """What the day should have said, and why: another closure takes this one's place."""
    typed = posted()
    on_refusal(lambda error: _detail(closure_id, "correct", error, typed))
    row = closure_view(g.ctx, closure_id).row
    form: dict[str, Any] = {"closure_id": closure_id, "reason": typed.get("reason", "")}
    for name, column, _ in AMOUNTS:
        amount = asked_money(typed, name)
        if amount is not None and amount != getattr(row, column):
            form[name] = amount
    done = act("closures.update", form, action_id=posted_action_id(typed)).result
    return redirect(url_for("office.closure", closure_id=done["closure_id"]), 303)


@bp.post("/closures/<id:closure_id>/<verb>")
def decide_closure(closure_id: str, verb: str) -> ResponseReturnValue:
    """Review, approve, reject, lock or take back."""
    if verb not in VERBS:
        raise NotFound
    typed = posted()
    on_refusal(lambda error: _detail(closure_id, verb, error, typed))
    reason: str | None = typed.get("reason", "")
    form = {"closure_id": closure_id, "reason": reason if verb in ("reject", "withdraw") else reason or None}
    act(f"closures.{verb}", form, action_id=posted_action_id(typed), approval=asked_approval(typed))
    return redirect(url_for("office.closure", closure_id=closure_id), 303)


def day_rows(found: list[ClosureView]) -> dict[str, Any]:
    """What rows of days need beside the days."""
    return {"rows": found, "people": names_of(g.ctx.session, _people(found)), "shops": shop_names()}


def _choice() -> DayChoice:
    state, shop_id = request.args.get("state", ""), request.args.get("shop_id", "")
    known = shop_id in shop_names()
    return DayChoice(DayState(state) if state in set(DayState) else None, shop_id if known else None)


def _list(errors: dict[str, str] | None = None) -> str:
    choice = _choice()
    found = list_days(g.ctx, choice, limit=PAGE_DEFAULT, cursor=request.args.get("cursor"))
    named = {"state": choice.state.value if choice.state else None, "shop_id": choice.shop_id}
    filters: dict[str, Any] = {name: value for name, value in named.items() if value}
    next_url = url_for("office.closures", cursor=found.next_cursor, **filters) if found.next_cursor else None
    values = {**day_rows(found.rows), "next_url": next_url, "filters": filters}
    if "cursor" in request.args:
        return part("office/_closure_rows.html", **values)
    if is_htmx() and not errors:
        return part("office/_closures.html", **values)
    may_submit = g.ctx.home.is_shop and g.ctx.may(Permission.CLOSURES_CREATE)
    choices = [("", "of all shops"), *values["shops"].items()] if values["shops"] else []
    return page(
        "office/closures.html", states=STATES, shop_choices=choices, errors=errors or {}, may_submit=may_submit,
        unsubmitted=unsubmitted_days(g.ctx), crumbs=[("Days", None)], **values,
    )  # fmt: skip


def _file_rows(choice: DayChoice, shops: Mapping[str, str]) -> Iterator[list[Any]]:
    cursor: str | None = None
    while True:
        found = list_days(g.ctx, choice, limit=PAGE_MAX, cursor=cursor)
        names = names_of(g.ctx.session, _people(found.rows))
        for view in found.rows:
            row = view.row
            decided = names.get(view.decisions[-1].by_id or "", "") if view.decisions else ""
            amounts = [view.body["collected"], *(getattr(row, column) for _, column, _ in AMOUNTS)]
            amounts += [row.collected_minor, row.expected_minor, row.variance_minor]
            yield [*([shops.get(row.shop_id, "")] if shops else []), row.business_on, row.nth, view.status.value,
                   *map(plain_amount, amounts), names.get(row.by_id or "", ""), row.at, decided, row.notes]  # fmt: skip
        cursor = found.next_cursor
        if cursor is None:
            return


def _people(views: list[ClosureView]) -> set[str]:
    return known_ids(*(view.row.by_id for view in views), *(told.by_id for view in views for told in view.decisions))


def _detail(
    closure_id: str, what: str = "", error: ShopError | None = None, typed: Mapping[str, str] | None = None
) -> str:
    view = closure_view(g.ctx, closure_id)
    day = whole_day(g.ctx, view)
    typed = typed or {}
    shops = shop_names()
    accepted = [one.accepted_by for one in day.z_reports]
    people = names_of(g.ctx.session, _people([view, *day.others]) | known_ids(*accepted))
    return page(
        "office/closure.html", day=day, view=view, row=view.row, shop_name=shops.get(view.row.shop_id, ""),
        amounts=_amounts(day), people=people, steps=_steps(day), why_not=_why_not(day), what=what,
        errors=field_errors(error, SHOWN_FIELDS) if error else {}, typed=typed,
        approvers=second_people(error, typed) if error and g.ctx.shop_id else [], late_url=_late_url(day),
        amount_names=[name for name, _, _ in AMOUNTS],
        crumbs=[("Days", url_for("office.closures")), (f"{view.row.business_on:%d %B %Y}", None)],
    )  # fmt: skip


def _amounts(day: WholeDay) -> list[dict[str, Any]]:
    """Where the money was: counted, and expected where all Z reports are here."""
    found = []
    for name, column, words in AMOUNTS:
        counted = getattr(day.view.row, column)
        expected = getattr(day.expected, column) if day.expected else None
        if counted or expected:
            found.append({"name": name, "words": words, "counted": counted, "expected": expected,
                          "off": counted - expected if expected is not None else None,
                          "is_restated": column in day.view.body["restated"]})  # fmt: skip
    return found


def _is_own(view: ClosureView) -> bool:
    """Whether whoever looks submitted it, and is not an owner, above whom there is nobody."""
    return view.row.by_id == g.ctx.actor.id and g.ctx.actor.role is not Role.OWNER


def _steps(day: WholeDay) -> set[str]:
    """What this person can do about it here and now."""
    view, may = day.view, g.ctx.may
    if not view.is_latest:
        return set()
    kinds = ClosureDecisionKind
    follow = MAY_FOLLOW[view.status]
    steps = set()
    if may(Permission.CLOSURES_APPROVE) and not _is_own(view):
        steps |= {kind.value for kind in (kinds.APPROVE, kinds.REJECT, kinds.LOCK) if kind in follow}
    if may(Permission.CLOSURES_REVIEW) and kinds.REVIEW in follow and not _is_own(view):
        steps.add("review")
    if may(Permission.CLOSURES_DELETE) and kinds.REJECT in follow and view.row.by_id == g.ctx.actor.id:
        steps = (steps | {"withdraw"}) - {"reject"}
    if _hindrance(day):
        steps.discard("approve")
    if g.ctx.home.is_shop:
        if may(Permission.CLOSURES_UPDATE) and view.status not in (ClosureStatus.APPROVED, ClosureStatus.LOCKED):
            steps.add("correct")
        if may(Permission.CLOSURES_CREATE) and (view.late_z_numbers or view.status is ClosureStatus.REJECTED):
            steps.add("submit")
    return steps


def _hindrance(day: WholeDay) -> str:
    """Why nobody approves it yet, whoever they are."""
    may_follow = ClosureDecisionKind.APPROVE in MAY_FOLLOW[day.view.status]
    hindrance = hindrance_of(day.view, day.z_reports) if may_follow else None
    return str(hindrance) if hindrance else ""


def _why_not(day: WholeDay) -> list[str]:
    """What is in the way of deciding, in words, for those who look for the button."""
    view = day.view
    if not view.is_latest:
        return []
    told = [_hindrance(day)]
    if _is_own(view) and MAY_FOLLOW[view.status] and g.ctx.may(Permission.CLOSURES_REVIEW):
        told.append("You submitted this day. Another person decides: nobody decides about their own.")
    return [words for words in told if words]


def _late_url(day: WholeDay) -> str | None:
    later = [view for view in day.others if view.is_latest]
    return url_for("office.closure", closure_id=later[0].row.id) if later else None

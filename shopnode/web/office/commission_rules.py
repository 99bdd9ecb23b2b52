"""What is earned by selling: rules by category and person, begun and ended, never changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from shopnode.domain.catalogue.queries import categories
from shopnode.domain.commissions.models import CommissionRule
from shopnode.domain.commissions.queries import all_rules
from shopnode.domain.people.queries import names_of, staff_list
from shopnode.web.office.blueprint import bp
from shopnode.web.office.lines import known_ids
from shopnode.web.office.periods import today
from shopnode.web.office.settings import percent, read_percent
from shopnode.web.ui.forms import asked_money, posted, posted_action_id
from shopnode.web.ui.frame import page
from shopnode.web.ui.refusals import field_errors, on_refusal
from shopnode.web.ui.request import act

STATES = [("", "that hold or begin"), ("all", "that ever held")]
FIELDS = ("category", "staff_id", "of_repairs", "rate_bp", "per_piece_minor", "starts_on")


@bp.get("/commissions/rules")
def commission_rules() -> str:
    """Rules, the newest first."""
    return _screen({}, {})


@bp.post("/commissions/rules")
def add_commission_rule() -> ResponseReturnValue:
    """Say what is earned from a day on; it ends the rule before it about the same."""
    typed = posted()
    on_refusal(lambda error: _screen(field_errors(error, FIELDS), typed))
    form = {
        "of_repairs": typed.get("of_repairs") == "1", "category": typed.get("category", "").strip() or None,
        "staff_id": typed.get("staff_id") or None, "rate_bp": read_percent(typed.get("rate_bp") or "0"),
        "per_piece_minor": asked_money(typed, "per_piece_minor", default=0),
        "starts_on": typed.get("starts_on") or None,
    }  # fmt: skip
    act("commissions.add_rule", form, action_id=posted_action_id(typed))
    return redirect(url_for("office.commission_rules", saved="added"), 303)


@bp.post("/commissions/rules/<id:rule_id>/end")
def end_commission_rule(rule_id: str) -> ResponseReturnValue:
    """Let a rule hold no more from tomorrow on."""
    typed = posted()
    on_refusal(lambda error: _screen(field_errors(error), {}))
    act("commissions.end_rule", {"rule_id": rule_id}, action_id=posted_action_id(typed))
    return redirect(url_for("office.commission_rules", saved="ended"), 303)


def _screen(errors: Mapping[str, str], typed: Mapping[str, str]) -> str:
    state = "all" if request.args.get("state") == "all" else ""
    rules = [rule for rule in all_rules(g.ctx.session) if state or _state(rule) != "ended"]
    names = names_of(g.ctx.session, known_ids(*(rule.staff_id for rule in rules)))
    rows = [_row(rule, names) for rule in rules]
    people = [("", "Everybody"), *((one.id, one.name) for one in staff_list(g.ctx.session) if one.is_active)]
    return page(
        "office/commission_rules.html", rows=rows, states=STATES, state=state, people=people, today=today(),
        categories=categories(g.ctx.session), errors=errors, typed=typed,
        saved=request.args.get("saved", "") if request.method == "GET" else "",
        crumbs=[("Commissions", url_for("office.commissions")), ("Rules", None)],
    )  # fmt: skip


def _row(rule: CommissionRule, names: Mapping[str, str]) -> dict[str, Any]:
    goods = "Labour on repairs" if rule.of_repairs else rule.category or "All goods"
    return {
        "rule": rule, "goods": goods, "who": names.get(rule.staff_id or "", "Somebody") if rule.staff_id else "",
        "rate": f"{percent(rule.rate_bp)} %" if rule.rate_bp else "", "state": _state(rule),
    }  # fmt: skip


def _state(rule: CommissionRule) -> str:
    if rule.ends_on is not None and rule.ends_on <= today():
        return "ended"
    return "begins" if rule.starts_on > today() else "ending" if rule.ends_on is not None else "holds"

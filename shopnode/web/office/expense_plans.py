"""What an owner plans: budgets of a month, and expenses that come again."""

from __future__ import annotations

from collections.abc import Mapping

from flask import g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from shopnode.domain.accounts.queries import today_of
from shopnode.domain.expenses.queries import budgets, categories, month_sums, recurring
from shopnode.domain.permissions import Permission
from shopnode.web.office.blueprint import bp
from shopnode.web.office.customers import METHODS
from shopnode.web.office.lines import shop_names
from shopnode.web.ui.forms import asked_money, asked_number, posted, posted_action_id
from shopnode.web.ui.frame import page
from shopnode.web.ui.refusals import field_errors, on_refusal
from shopnode.web.ui.request import act

BUDGET = {"category", "month_amount", "shop_id"}
RECURRING = {"category", "description", "amount", "payment_method", "day_of_month", "starts_on", "shop_id"}


@bp.get("/expenses/plan")
def expense_plan() -> str:
    """Budgets beside what was spent, and what comes again."""
    return _page()


@bp.post("/expenses/budgets")
def set_budget() -> ResponseReturnValue:
    """Say what may be spent on a category in a month; empty for no budget any more."""
    typed = posted()
    on_refusal(lambda error: _page("budget", field_errors(error, BUDGET), typed))
    form = {
        "category": typed.get("category", ""), "month_amount": asked_money(typed, "month_amount"),
        "shop_id": typed.get("shop_id") or None,
    }  # fmt: skip
    act("expenses.set_budget", form, action_id=posted_action_id(typed))
    return redirect(url_for("office.expense_plan"), 303)


@bp.post("/expenses/recurring")
def add_recurring() -> ResponseReturnValue:
    """Agree on an expense that comes again every month."""
    typed = posted()
    on_refusal(lambda error: _page("recurring", field_errors(error, RECURRING), typed))
    form = {
        "category": typed.get("category", ""), "description": typed.get("description", ""),
        "amount": asked_money(typed, "amount"), "payment_method": typed.get("payment_method") or "cash",
        "day_of_month": asked_number(typed, "day_of_month"), "shop_id": typed.get("shop_id") or None,
    }  # fmt: skip
    act("expenses.add_recurring", form, action_id=posted_action_id(typed))
    return redirect(url_for("office.expense_plan"), 303)


@bp.post("/expenses/recurring/<id:recurring_id>/end")
def end_recurring(recurring_id: str) -> ResponseReturnValue:
    """Let it come no more."""
    typed = posted()
    on_refusal(lambda error: _page("", field_errors(error, {"-"}), typed))
    act("expenses.end_recurring", {"recurring_id": recurring_id}, action_id=posted_action_id(typed))
    return redirect(url_for("office.expense_plan"), 303)


def _page(what: str = "", errors: dict[str, str] | None = None, typed: Mapping[str, str] | None = None) -> str:
    shop_id = request.args.get("shop") or None
    today = today_of(g.ctx)
    return page(
        "office/expense_plan.html", today=today, sums=month_sums(g.ctx, today, shop_id=shop_id),
        budgets=budgets(g.ctx.session), recurring=recurring(g.ctx), shops=shop_names(), methods=METHODS,
        categories=categories(g.ctx.session), may_plan=g.ctx.may(Permission.EXPENSES_APPROVE), what=what,
        errors=errors or {}, typed=typed or {},
        crumbs=[("Expenses", url_for("office.expenses")), ("Budgets", None)],
    )  # fmt: skip

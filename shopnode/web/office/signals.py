"""What an owner should ask somebody about, by its rule: each finding with its figures and the record to look at."""

from __future__ import annotations

from typing import Any

from flask import g, request, url_for

from shopnode.domain.audit.signals import Signal, SignalKind, find_signals, rules
from shopnode.web.office.blueprint import bp
from shopnode.web.office.journal import days_of, record_url
from shopnode.web.ui.frame import page, part
from shopnode.web.ui.request import is_htmx

PERIODS = [("week", "the last 7 days"), ("month", "the last 30 days"), ("yesterday", "yesterday"), ("today", "today")]


@bp.get("/fraud-signals")
def signals() -> str:
    """Findings of some days, gathered under the rule that found them; rules that found nothing say so."""
    period, kind = request.args.get("period", ""), request.args.get("kind", "")
    period = period if period in dict(PERIODS) else "month"
    kind = kind if kind in {one.value for one in SignalKind} else ""
    since, until = days_of(period)
    found = find_signals(g.ctx, kind=SignalKind(kind) if kind else None, since=since, until=until)
    groups = [
        {"rule": rule, "found": [_line(signal) for signal in found if signal.kind is rule.kind]}
        for rule in rules()
        if kind in ("", rule.kind.value)
    ]
    values: dict[str, Any] = {
        "groups": sorted(groups, key=lambda group: not group["found"]), "count": len(found),
        "filters": {"period": period, "kind": kind}, "show_shop": g.ctx.shop_id is None,
    }  # fmt: skip
    if is_htmx():
        return part("office/_signals.html", **values)
    kinds = [("", "anything"), *((rule.kind.value, rule.title.lower()) for rule in rules())]
    return page(
        "office/signals.html", choices={"periods": PERIODS, "kinds": kinds}, crumbs=[("Ask about", None)], **values
    )


def _line(signal: Signal) -> dict[str, Any]:
    history = url_for("office.journal", record=signal.record_id)
    words = signal.why.removeprefix(signal.label).strip()
    return {"signal": signal, "words": words, "url": record_url(signal.entity, signal.record_id) or history}

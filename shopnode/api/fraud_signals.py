"""What an owner should ask somebody about, each with its rule in words."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from shopnode.api.calls import Call
from shopnode.api.reading import QueryDay
from shopnode.api.routing import route
from shopnode.api.shapes import Instant
from shopnode.domain.audit.signals import Signal, SignalKind, find_signals, rules
from shopnode.domain.permissions import Permission


class SignalQuery(BaseModel):
    """Which signals; of the last thirty days when none are named."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    kind: SignalKind | None = None
    date_from: QueryDay | None = None
    date_to: QueryDay | None = None


class SignalOut(BaseModel):
    """One finding."""

    kind: SignalKind
    at: Instant
    why: str = Field(description="What was found, with the figures it was found by.")
    user_id: str | None = Field(description="Who did it, and may know why.")
    user_name: str | None
    shop_id: str | None
    shop_name: str | None
    entity_type: str = Field(description="Where to look.")
    entity_id: str
    label: str
    amount: int | None


class SignalRule(BaseModel):
    """A kind of signal."""

    kind: SignalKind
    title: str
    rule: str


class SignalList(BaseModel):
    items: list[SignalOut]
    rules: Annotated[list[SignalRule], Field(description="Every kind there is, and what it asks the books.")]


@route("GET", "/fraud-signals", needs=Permission.AUDIT_READ)
def list_fraud_signals(call: Call, query: SignalQuery) -> SignalList:
    """What should be asked about: voids after the print, prices below cost, clocks that were set; the latest first."""
    found = find_signals(call.ctx, kind=query.kind, since=query.date_from, until=query.date_to)
    told = [SignalRule(kind=rule.kind, title=rule.title, rule=rule.says) for rule in rules()]
    return SignalList(items=[_out(signal) for signal in found], rules=told)


def _out(signal: Signal) -> SignalOut:
    return SignalOut(
        kind=signal.kind, at=signal.at, why=signal.why, user_id=signal.person_id, user_name=signal.person,
        shop_id=signal.shop_id, shop_name=signal.shop, entity_type=signal.entity, entity_id=signal.record_id,
        label=signal.label, amount=signal.amount_minor,
    )  # fmt: skip

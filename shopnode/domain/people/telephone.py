"""Approval by telephone: the counter puts a question, the owner answers with a code, and nobody needs a network.

Invariants:
  * A question is about one action with one form by one person, put by one origin of the books. It is answered once,
    with at most TRIES_MAX tries, within LASTS.
  * It is used in the transaction of the action it allows: an action that fails has used nothing. There the figures are
    made up once more, and must be those that were read out.
  * Who answers is an owner of this shop, known by their own secret; nobody approves their own (`require_approval`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from shopnode.domain.context import Actor, Context, PhoneApproval
from shopnode.domain.errors import Conflict, Invalid, NotFound, NotPermitted, WrongPlace
from shopnode.domain.params import Params
from shopnode.domain.people.models import ApprovalChallenge, PhoneApprover, phone_approver_id
from shopnode.domain.people.queries import actor_for
from shopnode.domain.people.telephone_rules import (
    Question,
    answer_for,
    challenge_of,
    is_answer,
    read_challenge,
    read_document,
)
from shopnode.domain.people.throttle import account_key, count_try, forgive_tries
from shopnode.domain.queries import row_or_none
from sync_protocol.personal import is_marker

LASTS = timedelta(minutes=15)
KEPT = timedelta(days=1)
TRIES_MAX = 5
OPEN_MAX = 50  # questions of one counter that may wait at once

Figures = Callable[[Context, Any], tuple[int, str]]  # what an action is about: amount in minor units, document
_FIGURES: dict[str, Figures] = {}


class WrongCode(NotPermitted):
    code = "wrong-code"

    def __init__(self) -> None:
        super().__init__("The code is not right for this. Read out the question and the amount again.")


class QuestionClosed(Conflict):
    code = "question-closed"

    def __init__(self) -> None:
        super().__init__("This question is no longer open. Put a new one and call again.")


class FiguresChanged(Conflict):
    """What the owner said yes to over the telephone is not what would be done now."""

    code = "figures-changed"

    def __init__(self, told: tuple[int, str], now: tuple[int, str]) -> None:
        def words(figures: tuple[int, str]) -> str:
            return f"{figures[0]:,}" if told[1] == now[1] else f"{figures[0]:,} ({figures[1]})"

        super().__init__(
            f"The owner said yes to {words(told)}, and now it is {words(now)}. Nothing was done. "
            "Put the question again and call."
        )


@dataclass(frozen=True)
class Asked:
    """A question as the counter shows it."""

    question: Question
    expires_at: datetime


def register_figures(action: str, figures: Figures) -> None:
    """Called once by the area of an action: which amount and which document the owner is told."""
    _FIGURES[action] = figures


def ask(ctx: Context, action: str, form: Params) -> Asked:
    """Put a question about an action with this form, exactly as it will be sent. Raises WrongPlace, Conflict."""
    if not ctx.home.is_shop:
        raise WrongPlace("approvals.ask")
    with ctx.home.reading() as session:
        amount, document = _figures_now(ctx.inside(session), action, form)
    subject = {
        "action": action, "amount": amount, "document": document, "actor": ctx.actor.id,
        "form": fingerprint_of(ctx, action, form),
    }  # fmt: skip
    nonce = ctx.home.new_id()
    challenge = challenge_of(ctx.home.origin_id, nonce, subject)
    with ctx.home.writing() as session:
        session.execute(delete(ApprovalChallenge).where(ApprovalChallenge.asked_at < ctx.now - KEPT))
        waiting = select(ApprovalChallenge.id).where(
            ApprovalChallenge.used_at.is_(None), ApprovalChallenge.asked_at > ctx.now - LASTS
        )
        if len(session.scalars(waiting.limit(OPEN_MAX)).all()) >= OPEN_MAX:
            raise Conflict("Too many questions wait for an answer. Finish one of them first.")
        told = json.dumps({"nonce": nonce, **subject})
        session.merge(ApprovalChallenge(id=challenge, subject=told, asked_at=ctx.now, tries=0))
    return Asked(Question(challenge, action, amount, document), ctx.now + LASTS)


def answer(ctx: Context, shop_id: str | None, typed: Mapping[str, Any]) -> str:
    """The code by which whoever asks says yes, in one shop.

    Raises NotPermitted for a program, Invalid, NotFound (no telephone was set up).
    """
    if ctx.actor.scopes is not None:
        raise NotPermitted("A person says yes over the telephone, not a program.")
    shop_id = shop_id or ctx.shop_id
    if shop_id is None or ctx.actor.id is None:
        raise Invalid({"shop_id": "is needed: say which shop calls"})
    row = row_or_none(ctx.session, PhoneApprover, phone_approver_id(ctx.actor.id, shop_id))
    if row is None or row.secret is None or row.archived_at is not None or is_marker(row.secret):
        raise NotFound("Your telephone for this shop")
    try:
        challenge = read_challenge(typed["challenge"])
    except ValueError as wrong:
        raise Invalid({"challenge": str(wrong)}) from None
    document = read_document(typed["document"])
    return answer_for(row.secret, Question(challenge, typed["action"], typed["amount"], document))


def approver_by_phone(ctx: Context, action: str, form: Params, approval: PhoneApproval) -> Actor:
    """The owner whose code this is, for exactly this action and form, now.

    Raises WrongCode, QuestionClosed, TooManyTries; whether they may approve is not asked here.
    """
    if not ctx.home.is_shop:
        raise WrongCode
    account = account_key("phone", ctx.actor.id, "console")
    count_try(ctx.home, account, ctx.channel.ip)
    try:
        challenge = read_challenge(approval.challenge)
    except ValueError:
        raise QuestionClosed from None
    with ctx.home.writing() as session:
        question = _count_try(ctx, session, challenge, fingerprint_of(ctx, action, form))
        actor = _who_answered(ctx, session, question, approval.code) if question else None
        if actor is not None:
            row = session.get_one(ApprovalChallenge, challenge)
            row.answered_at, row.staff_id = ctx.now, actor.id
    if question is None:
        raise QuestionClosed
    if actor is None:
        raise WrongCode
    forgive_tries(ctx.home, account, ctx.channel.ip)
    return actor


def refuse_other_figures(ctx: Context, action: str, form: Params) -> None:
    """What was read out must be what is done: somebody may have paid, counted or sold since. In the action's own
    transaction, before it. Raises FiguresChanged, QuestionClosed."""
    row = ctx.session.get(ApprovalChallenge, ctx.challenge)
    if row is None:
        raise QuestionClosed
    subject = json.loads(row.subject)
    told, now = (subject["amount"], subject["document"]), _figures_now(ctx, action, form)
    if told != now:
        raise FiguresChanged(told, now)


def _figures_now(ctx: Context, action: str, form: Params) -> tuple[int, str]:
    """The amount and the document that are read out for this action, as the books stand."""
    if action not in _FIGURES:
        return 0, "NONE"
    amount, document = _FIGURES[action](ctx, form)
    return amount, read_document(document)


def use_question(ctx: Context) -> None:
    """The action this question allowed is done: it allows nothing any more. In the action's own transaction.

    Raises QuestionClosed when another action used it meanwhile.
    """
    if ctx.challenge is None:
        return
    row = ctx.session.get(ApprovalChallenge, ctx.challenge)
    if row is None or row.used_at is not None or row.answered_at is None:
        raise QuestionClosed
    row.used_at = ctx.now


def fingerprint_of(ctx: Context, action: str, form: Params) -> str:
    """What is asked for, by whom: every field of the form counts."""
    content = [action, ctx.actor.id, form.model_dump(mode="json")]
    return ctx.home.fingerprint(json.dumps(content, sort_keys=True).encode())


def _count_try(ctx: Context, session: Session, challenge: str, fingerprint: str) -> Question | None:
    """The open question, one try counted; None when it is closed, or about something else."""
    row = session.get(ApprovalChallenge, challenge)
    if row is None or row.used_at is not None or row.tries >= TRIES_MAX:
        return None
    if not timedelta(0) <= ctx.now - row.asked_at < LASTS:
        return None
    row.tries += 1
    told = json.loads(row.subject)
    nonce = told.pop("nonce")
    if challenge_of(ctx.home.origin_id, nonce, told) != challenge or told["form"] != fingerprint:
        return None
    return Question(challenge, told["action"], told["amount"], told["document"])


def _who_answered(ctx: Context, session: Session, question: Question, typed: str) -> Actor | None:
    known = select(PhoneApprover).where(
        PhoneApprover.shop_id == ctx.shop_id, PhoneApprover.archived_at.is_(None), PhoneApprover.secret.is_not(None)
    )
    for row in session.scalars(known.order_by(PhoneApprover.id)):
        if row.secret and not is_marker(row.secret) and is_answer(row.secret, question, typed):
            return actor_for(session, row.staff_id, ctx.shop_id)
    return None

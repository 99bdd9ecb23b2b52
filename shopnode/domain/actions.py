"""The door: `perform()` is the only way to change a synced table.

In one transaction: replay check by action id → permission → validate → limits → the action → projections →
journal entry → guard → commit. It is the same for a browser form, an API call, a tablet's retry, an owner's
remote command and a test. Printing, sending and notifying happen after commit, from rows.

Invariants:
  * The same action id with the same content returns the first result; with other content it is refused.
  * An action that fails leaves nothing behind: no row, no number, no entry.
  * An action writes one entry, also in `perform_many`.
  * What needs a second person is gathered while an action runs, and refused at its end when nobody said yes: all of it
    is shown, all of it is judged, and the entry keeps all of it.
"""

from __future__ import annotations

import json
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import orjson
from pydantic import BaseModel
from sqlalchemy.orm import Session

from shopnode.domain import failpoints
from shopnode.domain.capture import begin_capture, driver_cursor
from shopnode.domain.context import APPROVED, OBJECTIONS, WROTE_OFF, AnyApproval, Approval, Context, PhoneApproval
from shopnode.domain.errors import ApprovalNeeded, NotFound, NotPermitted, ReusedActionId, WrongPlace
from shopnode.domain.homes import Where
from shopnode.domain.journal import EntryDraft
from shopnode.domain.params import Params, read_params
from shopnode.domain.people.approvals import approver_of
from shopnode.domain.people.telephone import approver_by_phone, refuse_other_figures, use_question
from shopnode.domain.people.telephone_rules import read_challenge
from shopnode.domain.permissions import Permission
from shopnode.domain.projections import project

P = TypeVar("P", bound=Params)
# A fast hash of a password must not stand in a database, so these are no part of what a replay compares.
SECRET_FIELDS = frozenset({
    "password", "new_password", "current_password", "pin", "password_hash", "passcode", "key_hash",
})  # fmt: skip
ActionFunction = Callable[[Context, Any], "dict[str, Any]"]


@dataclass(frozen=True)
class Action:
    name: str
    needs: Permission
    where: Where
    params: type[Params]
    run: ActionFunction

    @property
    def summary(self) -> str:
        return (self.run.__doc__ or "").strip().split("\n")[0]


@dataclass(frozen=True)
class Done:
    """What an action answered. `replayed` when it had been performed before."""

    action_id: str
    result: dict[str, Any]
    replayed: bool = False
    entry_n: int = 0


ACTIONS: dict[str, Action] = {}


def action(
    name: str, *, needs: Permission, where: Where = Where.SHOP
) -> Callable[[Callable[[Context, P], dict[str, Any]]], Callable[[Context, P], dict[str, Any]]]:
    """Register a function as an action. Its second argument's type is its form."""

    def register(run: Callable[[Context, P], dict[str, Any]]) -> Callable[[Context, P], dict[str, Any]]:
        if name in ACTIONS:
            raise ValueError(f"two actions are named {name}")
        form = _form_of(run)
        ACTIONS[name] = Action(name, needs, where, form, run)
        return run

    return register


def perform(
    ctx: Context,
    name: str,
    params: Mapping[str, Any] | BaseModel,
    *,
    action_id: str | None = None,
    approval: AnyApproval | None = None,
) -> Done:
    """Do one action, or return the first result of the same one.

    Raises a ShopError whose words a cashier can act on; nothing has changed then.
    """
    if approval is not None:
        known = _replayed(ctx, name, params, action_id) if action_id else None
        if known is not None:
            return known
        ctx = _with_approver(ctx, name, params, approval)
    failpoints.hit("perform.before_begin")

    def once() -> Done:
        with ctx.home.writing() as session:
            done = _perform_inside(ctx.inside(session), name, params, action_id)
            failpoints.hit("perform.before_commit")
        return done

    done = ctx.home.again(once)
    failpoints.hit("perform.after_commit")
    ctx.home.committed()
    return done


def perform_many(
    ctx: Context, acts: Iterable[tuple[str, Mapping[str, Any], str | None]], *, approval: Approval | None = None
) -> list[Done]:
    """Many actions, (name, params, action id) each, in one transaction: all or none; an entry each."""
    planned = list(acts)
    if approval is not None:
        ctx = replace(ctx, approver=approver_of(ctx, approval))

    def once() -> list[Done]:
        with ctx.home.writing() as session:
            inside = ctx.inside(session)
            return [_perform_inside(inside, name, params, action_id) for name, params, action_id in planned]

    done = ctx.home.again(once)
    ctx.home.committed()
    return done


def _perform_inside(ctx: Context, name: str, params: Mapping[str, Any] | BaseModel, action_id: str | None) -> Done:
    ctx.home.check_ready(ctx.session)
    act = find_action(name)
    fingerprint = _fingerprint(ctx, name, params)
    if action_id is not None:
        known = _known(ctx.session, action_id, fingerprint)
        if known is not None:
            return known
    action_id = action_id or ctx.home.new_id()
    _permit(ctx, act)
    form = params if isinstance(params, act.params) else read_params(act.params, _plain(params))
    ctx = replace(ctx, action_id=action_id, marks={OBJECTIONS: []})
    capture = begin_capture(ctx.session)
    if ctx.challenge is not None:
        refuse_other_figures(ctx, name, form)
    result = act.run(ctx, form)
    if ctx.marks[OBJECTIONS]:
        raise ApprovalNeeded(*ctx.marks[OBJECTIONS])
    if ctx.challenge is not None and ctx.was_approved:
        use_question(ctx)
    ctx.session.flush()
    failpoints.hit("perform.rows_written")
    ctx.home.take_turn(ctx.session)
    project(ctx.session, capture)
    ctx.session.flush()
    draft = EntryDraft(
        entry_id=action_id,
        action=name,
        actor_id=ctx.actor.id,
        approver_id=ctx.approver.id if ctx.approver and ctx.was_approved else None,
        approved=ctx.marks.get(APPROVED, []),
        wrote_off_minor=ctx.marks.get(WROTE_OFF, 0),
        shop_id=ctx.shop_id,
        subject=ctx.marks.get("subject"),
        ip=ctx.channel.ip,
        user_agent=ctx.user_agent,
        capture=capture,
    )
    appended = ctx.home.append(ctx.session, draft, fingerprint, orjson.dumps(result).decode())
    failpoints.hit("perform.journalled")
    ctx.session.info["capture"] = None
    return Done(action_id, result, entry_n=appended.n)


def find_action(name: str) -> Action:
    """The action of that name. Raises NotFound."""
    act = ACTIONS.get(name)
    if act is None:
        raise NotFound("This action")
    return act


def _permit(ctx: Context, act: Action) -> None:
    if not ctx.may(act.needs):
        raise NotPermitted
    if act.where is Where.SHOP and not ctx.home.is_shop:
        raise WrongPlace(act.name)


def _with_approver(ctx: Context, name: str, params: Mapping[str, Any] | BaseModel, approval: AnyApproval) -> Context:
    """Check the second person's PIN, or their code, before the writer is taken: it costs time on purpose."""
    act = find_action(name)
    _permit(ctx, act)
    if isinstance(approval, PhoneApproval):
        form = params if isinstance(params, act.params) else read_params(act.params, _plain(params))
        approver = approver_by_phone(ctx, name, form, approval)
        return replace(ctx, approver=approver, challenge=read_challenge(approval.challenge))
    return replace(ctx, approver=approver_of(ctx, approval))


def _replayed(ctx: Context, name: str, params: Mapping[str, Any] | BaseModel, action_id: str) -> Done | None:
    with ctx.home.reading() as session:
        return _known(session, action_id, _fingerprint(ctx, name, params))


def _known(session: Session, action_id: str, fingerprint: str) -> Done | None:
    cursor = driver_cursor(session)
    mark = "?" if session.get_bind().dialect.name == "sqlite" else "%s"
    cursor.execute(f"SELECT fingerprint, result, n FROM journal_entry WHERE entry_id = {mark}", (action_id,))
    row = cursor.fetchone()
    if row is None:
        return None
    if row[0] != fingerprint:
        raise ReusedActionId
    return Done(action_id, orjson.loads(row[1] or "{}"), replayed=True, entry_n=row[2])


def _fingerprint(ctx: Context, name: str, params: Mapping[str, Any] | BaseModel) -> str:
    content = [name, ctx.actor.id, {key: value for key, value in _plain(params).items() if key not in SECRET_FIELDS}]
    # The standard library's writer takes what orjson refuses (huge numbers, lone surrogates); the form is next.
    return ctx.home.fingerprint(json.dumps(content, sort_keys=True, default=str).encode())


def _plain(params: Mapping[str, Any] | BaseModel) -> dict[str, Any]:
    if isinstance(params, BaseModel):
        return params.model_dump(mode="json", exclude_unset=True)
    return dict(params)


def _form_of(run: Callable[..., Any]) -> type[Params]:
    hints = [hint for name, hint in typing.get_type_hints(run).items() if name not in {"ctx", "return"}]
    if len(hints) != 1 or not issubclass(hints[0], Params):
        raise TypeError(f"{run.__name__} must take a context and one Params")
    form: type[Params] = hints[0]
    return form

"""Each request's context: who asks, from where, with one reading session that is closed when the answer is made.

A home says who is signed in by a resolver; everything behind it (access table, views, the API) reads `g.ctx` only.
`g.ctx` is None while nobody is signed in. `g.may` is the set of permissions of whoever is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from typing import Any, TypeVar

from flask import Flask, Response, g, request
from pydantic import BaseModel
from sqlalchemy.orm import Session

from shopnode.domain.actions import Done, perform, perform_many
from shopnode.domain.collector import tidy_up
from shopnode.domain.context import AnyApproval, Approval, Channel, Context

USER_AGENT_MAX = 300

Resolve = Callable[[], Context | None]
T = TypeVar("T")


def install(app: Flask, resolve: Resolve) -> None:
    """Open `g.ctx` before each request that is more than a file, and close what it opened afterwards.

    resolve  finds who is signed in, None for nobody; it opens no session
    """

    @app.before_request
    def open_context() -> None:
        g.ctx, g.may = None, frozenset()
        if request.endpoint is None or request.endpoint == "ui.static":
            return
        who = resolve()
        if who is not None:
            g.opened, g.may = ExitStack(), who.actor.permissions
            g.ctx = _reading(who)

    @app.teardown_request
    def close_context(error: BaseException | None) -> None:
        opened: ExitStack | None = g.pop("opened", None)
        if opened is not None:
            opened.close()

    @app.after_request
    def tidy_once_sent(response: Response) -> Response:
        response.call_on_close(tidy_up)
        return response


def channel() -> Channel:
    """Where this request comes from, as the journal keeps it."""
    agent = request.headers.get("User-Agent", "")[:USER_AGENT_MAX]
    return Channel(request.remote_addr, agent or None)


def act(
    name: str,
    params: Mapping[str, Any] | BaseModel,
    *,
    action_id: str | None = None,
    approval: AnyApproval | None = None,
) -> Done:
    """Perform an action for whoever is signed in, then read the books anew: a session sees one state of them.

    No session is held meanwhile: many requests that each hold one connection and want a second would wait for ever.
    """
    g.opened.close()
    try:
        return perform(g.ctx, name, params, action_id=action_id, approval=approval)
    finally:
        g.ctx = _reading(g.ctx)


def act_many(
    acts: Iterable[tuple[str, Mapping[str, Any], str | None]], *, approval: Approval | None = None
) -> list[Done]:
    """Perform several actions, (name, params, action id) each, for whoever is signed in: all of them, or none."""
    g.opened.close()
    try:
        return perform_many(g.ctx, acts, approval=approval)
    finally:
        g.ctx = _reading(g.ctx)


def aside(work: Callable[[Context], T]) -> T:
    """Write what is this home's own and no action (a notice is read), holding no session meanwhile; then read anew."""
    g.opened.close()
    try:
        return work(g.ctx)
    finally:
        g.ctx = _reading(g.ctx)


def read_again() -> None:
    """Let the request see what was just written."""
    g.opened.close()
    g.ctx = _reading(g.ctx)


def _reading(ctx: Context) -> Context:
    session: Session = g.opened.enter_context(ctx.home.reading())
    return ctx.inside(session)


def is_htmx() -> bool:
    return request.headers.get("HX-Request") == "true"

"""Each request's context: who asks, from where, with one reading session that is closed when the answer is made.

A home says who is signed in by a resolver; everything behind it (access table, views, the API) reads `g.ctx` only.
`g.ctx` is None while nobody is signed in. `g.may` is the set of permissions of whoever is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any

from flask import Flask, g, request
from pydantic import BaseModel

from shopnode.domain.actions import Done, perform
from shopnode.domain.context import Approval, Channel, Context

USER_AGENT_MAX = 300

Resolve = Callable[[ExitStack], Context | None]


def install(app: Flask, resolve: Resolve) -> None:
    """Open `g.ctx` before each request that is more than a file, and close what it opened afterwards.

    resolve  finds who is signed in; whatever it enters into the stack is left at the end of the request
    """

    @app.before_request
    def open_context() -> None:
        g.ctx, g.may = None, frozenset()
        if request.endpoint is None or request.endpoint == "ui.static":
            return
        g.opened = ExitStack()
        g.ctx = resolve(g.opened)
        g.may = g.ctx.actor.permissions if g.ctx is not None else frozenset()

    @app.teardown_request
    def close_context(error: BaseException | None) -> None:
        opened: ExitStack | None = g.pop("opened", None)
        if opened is not None:
            opened.close()


def channel() -> Channel:
    """Where this request comes from, as the journal keeps it."""
    agent = request.headers.get("User-Agent", "")[:USER_AGENT_MAX]
    return Channel(request.remote_addr, agent or None)


def act(
    name: str, params: Mapping[str, Any] | BaseModel, *, action_id: str | None = None, approval: Approval | None = None
) -> Done:
    """Perform an action for whoever is signed in, then read the books anew: a session sees one state of them."""
    done = perform(g.ctx, name, params, action_id=action_id, approval=approval)
    read_again()
    return done


def read_again() -> None:
    """Let the request's session see what was just written."""
    g.ctx.session.rollback()


def is_htmx() -> bool:
    return request.headers.get("HX-Request") == "true"

"""One call: who calls is admitted, what was sent is read, the view is run, what it returns is answered."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import Response, g, request
from pydantic import BaseModel
from sqlalchemy.exc import IntegrityError

from shopnode.api import keys, lists
from shopnode.api.reading import read_body, read_file, read_query
from shopnode.api.routing import Route
from shopnode.domain.actions import Done
from shopnode.domain.context import AnyApproval, Approval, Context, PhoneApproval
from shopnode.domain.errors import Conflict, Invalid, NotPermitted, NotSignedIn
from shopnode.domain.permissions import Permission
from shopnode.web.ui.request import act

APPROVER_ID, APPROVER_PIN = "X-Approver-Id", "X-Approver-Pin"
APPROVER_CHALLENGE, APPROVER_CODE = "X-Approver-Challenge", "X-Approver-Code"

log = logging.getLogger(__name__)


@dataclass
class Call:
    """What a view gets: the context of who calls, and the door."""

    route: Route
    replayed: bool = False

    @property
    def ctx(self) -> Context:
        """The context, with a session open that sees everything done so far. Raises NotSignedIn."""
        if g.ctx is None:
            raise NotSignedIn
        found: Context = g.ctx
        return found

    @property
    def key(self) -> str:
        """The id of the action this call asks for."""
        if "action_key" not in g:
            home = self.ctx.home
            # An installation keeps its letters through restores, which give it a new origin.
            place = home.series.partition("-")[0] or home.origin_id
            g.action_key = keys.action_id_of(
                request.headers.get(keys.HEADER), place, self.ctx.actor.id, self.ctx.new_id()
            )
        return str(g.action_key)

    def perform(
        self,
        params: Mapping[str, Any] | BaseModel,
        *,
        action: str | None = None,
        step: str | None = None,
        names: Mapping[str, str] | None = None,
    ) -> Done:
        """Do the route's action (or another step of the call) under the caller's key.

        names  the action's field → the field of this API, so that a refusal names what the caller sent
        """
        action_id = keys.step_id(self.key, step) if step else self.key
        with _words_of_the_api(names or {}):
            done = act(action or str(self.route.action), params, action_id=action_id, approval=_approval(self.route))
        self.replayed = self.replayed or done.replayed
        return done


def view_function(route: Route) -> Callable[..., Response]:
    """The Flask view of a route."""

    def answer(**path: UUID | str) -> Response:
        _admit(route)
        call = Call(route)
        arguments: dict[str, Any] = {name: str(part) for name, part in path.items()}
        own = lists.PARAMETER if route.item else None
        if route.query is not None:
            arguments["query"] = read_query(request, route.query, but=own)
        elif request.args.keys() - {own}:
            raise Invalid({"query": "this address takes no query"})
        if route.body is not None:
            arguments["body"] = read_body(request, route.body, may_be_absent=route.body_may_be_absent)
        if route.takes_file:
            arguments["file"] = read_file(request)
        wanted = lists.asked_format(request.args.getlist(own)) if own else None
        if wanted is not None:
            return _response(route, call, _as_file(route, call, wanted, arguments))
        return _response(route, call, route.view(call, **arguments))

    answer.__name__ = route.name
    return answer


def _as_file(route: Route, call: Call, wanted: lists.FileFormat, arguments: dict[str, Any]) -> Response:
    """A list as a file: the view is asked for one page after the other."""
    query = arguments.get("query")

    def next_page(changes: Mapping[str, Any]) -> BaseModel:
        asked = {"query": query.model_copy(update=dict(changes))} if query is not None else {}
        page: BaseModel = route.view(call, **{**arguments, **asked})
        return page

    assert route.item is not None
    return lists.list_file(call.ctx, route.list_name, route.item, wanted, query, next_page)


def _admit(route: Route) -> None:
    """Before anything that was sent is looked at. Raises NotSignedIn, NotPermitted."""
    if route.is_open:
        return
    if g.ctx is None:
        raise NotSignedIn
    if isinstance(route.needs, Permission) and not g.ctx.may(route.needs):
        raise NotPermitted


def _approval(route: Route) -> AnyApproval | None:
    """A second person's PIN, or the owner's code by telephone. Raises Invalid for one header without the other."""
    if not route.takes_approval:
        return None
    by_phone = _both(APPROVER_CHALLENGE, APPROVER_CODE)
    if by_phone is not None:
        return PhoneApproval(*by_phone)
    by_pin = _both(APPROVER_ID, APPROVER_PIN)
    return None if by_pin is None else Approval(*by_pin)


def _both(one: str, other: str) -> tuple[str, str] | None:
    sent = {name: request.headers.get(name) for name in (one, other)}
    if all(text is None for text in sent.values()):
        return None
    missing = {name: "is needed with the other" for name, text in sent.items() if not text}
    if missing:
        raise Invalid(missing)
    return str(sent[one]), str(sent[other])


@contextmanager
def _words_of_the_api(names: Mapping[str, str]) -> Iterator[None]:
    try:
        yield
    except Invalid as wrong:
        raise Invalid({names.get(name, name): text for name, text in wrong.fields.items()}) from None
    except IntegrityError:
        log.exception("a row was refused by the database")
        raise Conflict("This has been recorded already under the same key. Start again with a fresh one.") from None


def _response(route: Route, call: Call, result: Any) -> Response:
    if isinstance(result, Response):
        response = result
    elif isinstance(result, BaseModel):
        body = result.model_dump_json(exclude_unset=True)
        response = Response(body, route.status, content_type=route.media_type)
    else:
        response = Response(status=204)
        del response.headers["Content-Type"]
    if call.replayed:
        response.headers[keys.REPLAYED] = "true"
    response.headers["Cache-Control"] = "no-store"
    return response

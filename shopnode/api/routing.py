"""Routes. One decorator says everything about a call; the answer, the checks and the document come from that record.

A view is a plain function: `call` first, then the parts of its path, then `body` and `query` where it takes them.
Their types are the forms, and its return type is the answer. So nothing is written twice, and what a route does not
declare it does not get. Every route names who may call it: its action's permission, a permission, or `Open`.
"""

from __future__ import annotations

import inspect
import re
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel

from shopnode.api.lists import item_model
from shopnode.domain import everything  # noqa: F401 — a route may name any action
from shopnode.domain.actions import ACTIONS
from shopnode.domain.permissions import Permission
from shopnode.web.ui.access import Open

View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True)
class Route:
    """One call of the API."""

    method: str
    rule: str  # below the API's own prefix: /sales/<sale_id>
    view: Callable[..., Any]
    needs: Permission | Open
    action: str | None
    status: int
    takes_approval: bool  # a second person's PIN may come with it
    media_type: str
    body: type[BaseModel] | None
    body_may_be_absent: bool
    query: type[BaseModel] | None
    answer: type[BaseModel] | None
    other_statuses: tuple[int, ...] = ()
    item: type[BaseModel] | None = None  # of what it is a list; any list is a file, too
    takes_file: bool = False  # the body is a table, CSV or XLSX, instead of JSON

    @property
    def name(self) -> str:
        return self.view.__name__

    @property
    def tag(self) -> str:
        return self.rule.split("/")[1]

    @property
    def path_names(self) -> list[str]:
        return re.findall(r"<(\w+)>", self.rule)

    @property
    def address(self) -> str:
        """The rule as the application knows it: ids alone, and days (`…_on`), which the view reads."""
        return re.sub(r"<(\w+)>", lambda part: f"<{_kind(part[1])}:{part[1]}>", self.rule)

    @property
    def list_name(self) -> str:
        """What a list is called as a file: its address without the ids in it."""
        return "/".join(part for part in self.rule.split("/") if part and not part.startswith("<"))

    @property
    def is_open(self) -> bool:
        return self.needs is Open.PUBLIC


ROUTES: list[Route] = []


def _kind(name: str) -> str:
    return "string" if is_day(name) else "uuid"


def is_day(name: str) -> bool:
    """Whether a part of a path is a day, and not an id."""
    return name.endswith("_on")


def route(
    method: str,
    rule: str,
    *,
    action: str | None = None,
    needs: Permission | Open | None = None,
    status: int = 200,
    takes_approval: bool = False,
    media_type: str = "application/json",
    other_statuses: tuple[int, ...] = (),
    takes_file: bool = False,
) -> Callable[[View], View]:
    """Register a view. It names either the action it performs or what it needs."""
    if (action is None) == (needs is None):
        raise ValueError(f"{method} {rule} must name its action or its permission")

    def register(view: View) -> View:
        hints = typing.get_type_hints(view)
        body, may_be_absent = _optional(hints.get("body"))
        hinted = hints["return"]
        answer = hinted if inspect.isclass(hinted) and issubclass(hinted, BaseModel) else None
        made = Route(
            method, rule, view, needs or ACTIONS[str(action)].needs, action, status, takes_approval, media_type,
            body, may_be_absent, hints.get("query"),
            answer, other_statuses, item_model(answer) if method == "GET" else None, takes_file,
        )  # fmt: skip
        ROUTES.append(made)
        return view

    return register


def _optional(hint: Any) -> tuple[Any, bool]:
    """A body's model, and whether it may be left out (`Model | None`)."""
    if isinstance(hint, types.UnionType):
        return next(part for part in typing.get_args(hint) if part is not types.NoneType), True
    return hint, False

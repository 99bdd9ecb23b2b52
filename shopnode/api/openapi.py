"""The API's own description, OpenAPI 3.1, written from the routes and their models: it cannot say anything else
than what the code does."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from shopnode.api import lists
from shopnode.api.calls import APPROVER_CHALLENGE, APPROVER_CODE, APPROVER_ID, APPROVER_PIN
from shopnode.api.keys import HEADER, KEY_MAX, REPLAYED
from shopnode.api.problems import MEDIA_TYPE, TITLES, Problem
from shopnode.api.reading import FILE_TYPES
from shopnode.api.routing import Route, is_day
from shopnode.domain.actions import ACTIONS
from shopnode.domain.errors import ShopError
from shopnode.domain.exports import ROWS_MAX
from shopnode.domain.permissions import Permission

Schema = dict[str, Any]

ABOUT = """\
Amounts are whole minor units of the shop's currency (for UGX, shillings). Instants are UTC, days the shop's own.
Every call that changes something takes an `Idempotency-Key`: sent again with the same key and content it answers what
the first one did, with `Idempotency-Replayed: true`; with other content it is refused. Nothing is ever deleted:
DELETE archives or voids. Where a person's limit is passed, a second person's id and PIN come in two headers.
"""
AS_FILE = f"""\
csv and xlsx answer the whole list as a file, up to {ROWS_MAX:,} rows, instants in the shop's zone; `limit` does not
count then. Needs `reports:export`, and is written down.\
"""
_BODY_STATUSES = (400, 413, 415)
_ACTION_STATUSES = (403, 404, 409, 503)


def build_document(routes: Iterable[Route], prefix: str, version: str, session_cookie: str) -> Schema:
    """The whole document."""
    routes = list(routes)
    schemas, refs = _schemas(routes)
    paths: dict[str, Schema] = {}
    for route in routes:
        place = prefix + route.rule.replace("<", "{").replace(">", "}")
        paths.setdefault(place, {})[route.method.lower()] = _operation(route, refs)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Phone shop", "version": version, "description": ABOUT},
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                "session": {"type": "apiKey", "in": "cookie", "name": session_cookie},
            },
        },
        "x-problem-codes": known_codes(),
    }


def known_codes() -> dict[str, int]:
    """Every code a refusal of this program can carry, with its status."""
    found: dict[str, int] = {}
    left = [ShopError]
    while left:
        error = left.pop()
        left += error.__subclasses__()
        if error.__module__.startswith("shopnode."):
            found[error.code] = error.status
    return dict(sorted(found.items()))


def table_of(routes: Iterable[Route], prefix: str) -> str:
    """Every call as a Markdown table: who may, and what it does."""
    lines = ["| Call | Needs | What it does |", "|---|---|---|"]
    for route in routes:
        place = prefix + route.rule.replace("<", "{").replace(">", "}")
        summary = " ".join((route.view.__doc__ or "").split())
        lines.append(f"| `{route.method} {place}` | `{route.needs.value}` | {summary} |")
    return "\n".join(lines)


Refs = dict[tuple[type[BaseModel], str], Schema]


def _schemas(routes: list[Route]) -> tuple[Schema, Refs]:
    wanted: dict[tuple[type[BaseModel], str], None] = {(Problem, "serialization"): None}
    for route in routes:
        if route.body is not None:
            wanted[route.body, "validation"] = None
        if route.answer is not None:
            wanted[route.answer, "serialization"] = None
    refs, whole = models_json_schema(list(wanted), ref_template="#/components/schemas/{model}")  # type: ignore[arg-type]
    return whole["$defs"], refs  # type: ignore[return-value]


def _operation(route: Route, refs: Refs) -> Schema:
    words = (route.view.__doc__ or "").strip().split("\n\n", 1)
    operation: Schema = {
        "operationId": route.name,
        "tags": [route.tag],
        "summary": " ".join(words[0].split()),
        "parameters": _parameters(route),
        "responses": _responses(route, refs),
        "security": [] if route.is_open else [{"bearer": []}, {"session": []}],
        "x-permission": str(route.needs.value),
    }
    if description := _description(route, words[1:]):
        operation["description"] = description
    if route.takes_file:
        table: Schema = {"schema": {"type": "string", "format": "binary"}}
        operation["requestBody"] = {"required": True, "content": dict.fromkeys(FILE_TYPES, table)}
    if route.body is not None:
        content = {"application/json": {"schema": refs[route.body, "validation"]}}
        operation["requestBody"] = {"required": not route.body_may_be_absent, "content": content}
    return operation


def _description(route: Route, words: list[str]) -> str:
    parts = [" ".join(text.split()) for text in words]
    if isinstance(route.needs, Permission):
        parts.append(f"Needs the permission `{route.needs.value}`.")
    if route.action:
        parts.append(f"Performs `{route.action}`: {ACTIONS[route.action].summary}")
    return "\n\n".join(parts)


def _parameters(route: Route) -> list[Schema]:
    found = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string", "format": "date" if is_day(name) else "uuid"},
        }
        for name in route.path_names
    ]
    found += _query_parameters(route.query) if route.query else []
    if route.item:
        found.append({"name": lists.PARAMETER, "in": "query", "required": False, "description": AS_FILE,
                      "schema": {"type": "string", "enum": list(lists.FORMATS), "default": "json"}})  # fmt: skip
    if route.action:
        text = {"type": "string", "minLength": 1, "maxLength": KEY_MAX}
        found.append({"name": HEADER, "in": "header", "required": False, "schema": text})
    if route.takes_approval:
        approver = {APPROVER_ID: {"type": "string", "format": "uuid"}}
        approver |= {name: {"type": "string"} for name in (APPROVER_PIN, APPROVER_CHALLENGE, APPROVER_CODE)}
        for name, schema in approver.items():
            found.append({"name": name, "in": "header", "required": False, "schema": schema})
    return found


def _query_parameters(model: type[BaseModel]) -> list[Schema]:
    whole = model.model_json_schema()
    return [
        {"name": name, "in": "query", "required": name in whole.get("required", []), "schema": _never_null(schema)}
        for name, schema in whole["properties"].items()
    ]


def _never_null(schema: Schema) -> Schema:
    """A query cannot say null: what is left out is left out."""
    null_default = {"default"} if schema.get("default", "") is None else set()
    kept = {name: value for name, value in schema.items() if name not in {"anyOf", *null_default}}
    for choice in schema.get("anyOf", []):
        if choice != {"type": "null"}:
            kept.update(choice)
    return kept


def _responses(route: Route, refs: Refs) -> Schema:
    statuses = {422, *route.other_statuses}
    if not route.is_open:
        statuses |= {401}
    if isinstance(route.needs, Permission):
        statuses |= {403}
    if route.path_names:
        statuses |= {404}
    if route.body is not None or route.takes_file:
        statuses |= set(_BODY_STATUSES)
    if route.action or route.item:  # taking a list out is an action, too
        statuses |= set(_ACTION_STATUSES) - ({404} if route.item else set())
    if route.takes_approval:
        statuses |= {429}
    problem = {MEDIA_TYPE: {"schema": refs[Problem, "serialization"]}}
    refusals = {str(status): {"description": TITLES[status], "content": problem} for status in sorted(statuses)}
    return {str(route.status): _success(route, refs), **refusals}


def _success(route: Route, refs: Refs) -> Schema:
    if route.status == 204:
        return {"description": "Done; there is nothing to say."}
    schema = refs[route.answer, "serialization"] if route.answer else {"type": "string", "format": "binary"}
    done: Schema = {"description": "Done", "content": {route.media_type: {"schema": schema}}}
    if route.item:
        for file_type in lists.CONTENT_TYPES.values():
            name = file_type.partition(";")[0]
            done["content"][name] = {"schema": {"type": "string", "format": "binary"}}
    if route.action:
        told = "Set when the call had been done before."
        done["headers"] = {REPLAYED: {"description": told, "schema": {"type": "string", "enum": ["true"]}}}
    return done

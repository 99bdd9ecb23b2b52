"""The document says what the API does: complete by comparison with the application, true by calling every operation
with generated cases, right and wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import schemathesis
from flask import Flask
from hypothesis import settings
from schemathesis.checks import load_all_checks
from schemathesis.config import ChecksConfig, PositiveDataAcceptanceConfig, ProjectConfig, ProjectsConfig
from schemathesis.config import SchemathesisConfig as Config
from schemathesis.generation.feedback import FeedbackSources
from schemathesis.generation.hypothesis.builder import (
    InvalidHeadersExampleMark,
    InvalidRegexMark,
    MissingPathParameters,
    NonSerializableMark,
    UnsatisfiableExampleMark,
    UnserializablePayloadMark,
)
from schemathesis.generation.hypothesis.reporting import ignore_hypothesis_output
from schemathesis.pytest._test_builder import build_operation_test
from schemathesis.python._constants.orchestrator import make_constants_value_source
from schemathesis.schemas import APIOperation, BaseSchema

from shopnode.api.mount import who_may
from shopnode.api.openapi import build_document, known_codes, table_of
from shopnode.api.routing import ROUTES
from shopnode.documents.spreadsheets import XLSX_TYPE
from shopnode.domain.actions import ACTIONS
from shopnode.domain.context import Actor
from shopnode.domain.permissions import Permission
from shopnode.web.ui.access import Open
from tests.api.client import Client
from tests.api.conftest import api_app
from tests.api.goods import open_for_business, sale_of
from tests.shop import PASSWORD, PHONES, open_copy

EXAMPLES = 4  # for each operation, besides every boundary of its schema
# What is right in form may still be refused for what it means: no such product, too little money, a used key.
MEANT = ["2xx", "401", "403", "404", "409", "422", "429"]

DOCUMENT = orjson.loads(orjson.dumps(build_document(ROUTES, "/api", "1", "session")))
OPERATIONS = [(path, name, operation) for path, item in DOCUMENT["paths"].items() for name, operation in item.items()]
FUZZED = [route.name for route in ROUTES if route.name != "logout"]  # that would end the token: test_auth.py has it
# Why some of an operation's cases would not have been sent.
LEFT_OUT = (
    InvalidHeadersExampleMark, InvalidRegexMark, MissingPathParameters, NonSerializableMark, UnsatisfiableExampleMark,
    UnserializablePayloadMark,
)  # fmt: skip


class Stage:
    """A WSGI application that a document is read from at once, and whose shop comes when the curtain rises."""

    def __init__(self, document: dict[str, Any]):
        self.document = document
        self.app: Flask | None = None

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        if self.app is not None:
            return self.app(environ, start_response)
        start_response("200 OK", [("Content-Type", "application/json")])
        return [orjson.dumps(self.document)]


@schemathesis.serializer(XLSX_TYPE)
def as_sent(context: schemathesis.SerializationContext, value: Any) -> Any:
    """A workbook's bytes are sent as they are."""
    return value


_CHECKS = ChecksConfig(positive_data_acceptance=PositiveDataAcceptanceConfig(expected_statuses=MEANT))
CONFIG = Config(seed=1, projects=ProjectsConfig(default=ProjectConfig(checks=_CHECKS)))


@pytest.fixture(scope="module")
def fuzzed(
    template: tuple[Path, dict[str, Actor]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Flask, str]]:
    """The API of a shop with something in it, and a token of its owner."""
    folder, people = template
    shop, database = open_copy(folder, tmp_path_factory.mktemp("fuzzed"), people)
    app = api_app(shop)
    owner = Client(app, shop.owner)
    owner.post("/sales", sale_of(open_for_business(owner)))
    yield app, owner.post("/auth/login", {"phone": PHONES["Sarah"], "password": PASSWORD}, 200)["access_token"]
    database.close()


def told(operation_id: str, app: Flask) -> tuple[BaseSchema, APIOperation]:
    """What the document says of one operation, and of its address."""
    path = next(path for path, _, operation in OPERATIONS if operation["operationId"] == operation_id)
    stage = Stage({**DOCUMENT, "paths": {path: DOCUMENT["paths"][path]}})
    schema = schemathesis.openapi.from_wsgi("/api/openapi.json", stage, config=CONFIG)
    stage.app = app
    return schema, schema.find_operation_by_id(operation_id)


@pytest.mark.parametrize("operation_id", FUZZED)
def test_operation_does_what_the_document_says(operation_id: str, fuzzed: tuple[Flask, str]) -> None:
    """The library would think its cases out when tests are collected, in every process for all operations: a minute."""
    app, token = fuzzed
    schema, operation = told(operation_id, app)

    @settings(max_examples=EXAMPLES)
    def whatever_is_sent(case: schemathesis.Case) -> None:
        case.call_and_validate(headers={"Authorization": f"Bearer {token}"})

    load_all_checks()
    constants = FeedbackSources(constants_value_source=make_constants_value_source(schema))
    run = build_operation_test(
        config=schema.config, operation=operation, test_func=whatever_is_sent, given_kwargs={}, feedback=constants
    )
    with ignore_hypothesis_output():
        run()
    assert [mark for mark in LEFT_OUT if mark.is_set(run)] == []


@pytest.mark.parametrize(
    ("path", "method", "operation"), OPERATIONS, ids=lambda part: part if isinstance(part, str) else ""
)
def test_every_operation_is_described(path: str, method: str, operation: dict[str, Any]) -> None:
    assert operation["summary"].endswith(".")
    assert operation["operationId"]
    statuses = set(operation["responses"])
    assert statuses & {"200", "201", "202", "204"}
    assert "422" in statuses
    assert ("404" in statuses) or "{" not in path
    assert operation["security"] in ([], [{"bearer": []}, {"session": []}])
    if operation["security"]:
        assert "401" in statuses
    if "requestBody" in operation:
        assert {"400", "413", "415"} <= statuses
    for status, response in operation["responses"].items():
        if int(status) >= 400:
            assert list(response["content"]) == ["application/problem+json"]


def test_the_document_lists_every_route_of_the_application(app: Flask) -> None:
    rules = {
        (re.sub(r"<[^:>]+:(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in app.url_map.iter_rules()
        for method in rule.methods - {"HEAD"}
        if rule.endpoint.startswith("api.") and rule.endpoint != "api.openapi"
    }
    assert rules == {(path, method) for path, method, _ in OPERATIONS}


def test_every_refusal_has_a_code_that_is_listed() -> None:
    codes = DOCUMENT["x-problem-codes"]
    assert codes.items() <= known_codes().items()
    assert (codes["drawer-closed"], codes["approval-needed"], codes["invalid"], codes["malformed"]) == (
        409,
        403,
        422,
        400,
    )


def test_the_document_is_served(anybody: Client) -> None:
    document = anybody.get("/openapi.json")
    assert document["openapi"].startswith("3.1")
    assert document["paths"] == DOCUMENT["paths"]


# --- deny by default


def test_every_address_says_who_may_open_it(app: Flask) -> None:
    ours = {rule.endpoint for rule in app.url_map.iter_rules() if rule.endpoint != "static"}
    assert ours == set(who_may())


def test_only_signing_in_and_the_document_are_public() -> None:
    assert {name for name, needs in who_may().items() if needs is Open.PUBLIC} == {
        "api.openapi", "api.login", "api.refresh", "api.forgot_password", "api.reset_forgotten_password"
    }  # fmt: skip


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_a_route_that_changes_something_performs_an_action_and_asks_for_its_permission(route: Any) -> None:
    if route.action is None:
        # a question or a page of labels is no change; what somebody has read stays in this home
        assert route.method == "GET" or route.tag in {"auth", "approvals", "labels", "notifications"}
    else:
        assert route.needs is ACTIONS[route.action].needs
        assert isinstance(route.needs, Permission)


@pytest.mark.parametrize(
    ("path", "method", "operation"), OPERATIONS, ids=lambda part: part if isinstance(part, str) else ""
)
def test_nobody_gets_anywhere_without_signing_in(
    anybody: Client, path: str, method: str, operation: dict[str, Any]
) -> None:
    if operation["security"]:
        address = re.sub(r"{\w+}", "0190a000-0000-7000-8000-00000000dead", path).removeprefix("/api")
        response = anybody.call(method.upper(), address, data=b"rubbish")
        assert response.status_code == 401
        assert response.headers["WWW-Authenticate"] == "Bearer"


def test_the_page_about_the_api_lists_every_call() -> None:
    page = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
    assert page.endswith("\n\n" + table_of(ROUTES, "/api") + "\n"), "run: python -m shopnode.api"


def test_each_operation_but_one_is_fuzzed() -> None:
    assert len(set(FUZZED)) == len(OPERATIONS) - 1 == len(ROUTES) - 1

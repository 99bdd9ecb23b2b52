"""Strangers: the owner of another business who knows every id of ours, and another shop of our own business.

At the hub every table of a business gets a row that names it, all under one id, so that a call of tomorrow is tried
with ids of tables of tomorrow and nobody has to add anything here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from sqlalchemy import Boolean, CheckConstraint, LargeBinary, Table

from cloudhub.tenancy.logins import set_portal_password
from shopnode.api.mount import who_may  # noqa: F401 — the import registers every route
from shopnode.api.routing import ROUTES, Route
from shopnode.domain import models  # noqa: F401 — every table is known
from shopnode.domain.actions import perform
from shopnode.domain.db import ID_TYPE, Base, LocalDateType, LocalRow, Stream, synced_models
from shopnode.domain.permissions import Role
from tests.api.client import Client
from tests.api.conftest import api_app
from tests.api.goods import IMEI
from tests.hub.world import PASSWORD, Node, World

THEIRS = "0190a000-0000-7000-8000-0000000c0de0"  # of a row in every table
NOBODYS = "0190a000-0000-7000-8000-0000000c0de1"
WORD = "kisurasecret"
AT_MS = 1_790_000_000_000
KINDS_CHECK = re.compile(r"^(\w+) IN \('([^']*)'")
# So that its own business reads the row at all, and sees it in its lists.
READABLE = {"timezone": "Africa/Kampala", "currency": "UGX", "archived_at": None, "erased_at": None}
LOGINS = {"sarah": "sarah@kisura.example", "mallory": "mallory@other.example"}


@pytest.fixture
def planted(world: World) -> World:
    """A business with one row in every table, all of the same id, each text in them the same word."""
    left_out = []
    with world.server.superuser(world.database) as connection:
        connection.execute("SET session_replication_role = replica")  # their parents are there, in whatever order
        there = {row[0] for row in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}
        for table in Base.metadata.sorted_tables:
            if table.name in there and "tenant_id" in table.columns and not _plant(connection, table, world.tenant_id):
                left_out.append(table.name)
    assert len(left_out) <= len(there) // 10, left_out
    return world


def _plant(connection: psycopg.Connection, table: Table, tenant_id: str) -> bool:
    values = {column.name: _value(table, column) for column in table.columns}
    values["tenant_id"] = tenant_id
    names = ", ".join(f'"{name}"' for name in values)
    marks = ", ".join(["%s"] * len(values))
    try:
        connection.execute(f'INSERT INTO "{table.name}" ({names}) VALUES ({marks})', list(values.values()))  # type: ignore[arg-type]
    except psycopg.errors.IntegrityError:
        return False
    return True


def _value(table: Table, column: Any) -> Any:
    if column.name in READABLE:
        return READABLE[column.name]
    if str(column.type) == str(ID_TYPE):
        return THEIRS
    for check in table.constraints:
        known = KINDS_CHECK.match(str(check.sqltext)) if isinstance(check, CheckConstraint) else None
        if known and known[1] == column.name:
            return known[2]
    if isinstance(column.type, Boolean | LargeBinary):
        return False if isinstance(column.type, Boolean) else WORD.encode()
    if isinstance(column.type, LocalDateType):
        return "2026-09-21"
    length = getattr(column.type, "length", None)
    if column.type._type_affinity.__name__ in ("String", "Text"):
        return WORD[:length] if length else WORD
    return AT_MS if column.name.endswith("_at") or column.name == "at" else 1


def signed_in(world: World, name: str) -> Client:
    login = {"email": LOGINS[name], "password": PASSWORD}
    token = Client(world.app).post("/auth/login", login, 200)["access_token"]
    return Client(world.app, token=token)


def reads() -> Iterator[Route]:
    return (route for route in ROUTES if route.method == "GET")


def asked(client: Client, route: Route, row_id: str) -> tuple[int, str]:
    """The status, and what was said, with the id taken out of it: what an id of ours and one of nobody's answer."""
    rule = re.sub(r"<\w*date>", "2026-09-21", route.rule)
    answer = client.call(route.method, re.sub(r"<\w+>", row_id, rule), data=None if route.body is None else b"rubbish")
    return answer.status_code, answer.get_data(as_text=True).replace(row_id, "")


def test_another_business_reads_nothing_of_ours_whatever_ids_it_knows(planted: World) -> None:
    mallory, sarah = signed_in(planted, "mallory"), signed_in(planted, "sarah")
    seen_by_us, wrong = 0, []
    for route in reads():
        status, told = asked(mallory, route, THEIRS)
        if WORD in told or (status, told) != asked(mallory, route, NOBODYS):
            wrong.append((route.rule, status, told[:200]))
    for path in ("/customers", "/suppliers", "/financiers", "/price-lists"):
        seen_by_us += WORD in sarah.call("GET", path).get_data(as_text=True)

    assert wrong == []
    assert seen_by_us >= 3, "nothing was planted that its own business sees, so this would prove nothing"


def test_another_business_changes_nothing_of_ours_whatever_ids_it_knows(planted: World) -> None:
    mallory = signed_in(planted, "mallory")
    before = everything_of(planted)
    wrong = []
    for route in ROUTES:
        if route.method != "GET" and route.path_names and "auth" not in route.rule:
            theirs, nobodys = asked(mallory, route, THEIRS), asked(mallory, route, NOBODYS)
            if theirs[0] < 300 or theirs != nobodys:
                wrong.append((route.method, route.rule, theirs, nobodys))

    assert wrong == []
    assert everything_of(planted) == before


def everything_of(world: World) -> dict[str, str]:
    """A sum over all rows of the business, table by table."""
    with world.server.superuser(world.database) as connection:
        tables = [table.name for table in Base.metadata.sorted_tables if "tenant_id" in table.columns]
        there = {row[0] for row in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}
        query = "SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM \"{}\" t WHERE tenant_id = %s"
        return {
            name: str(connection.execute(query.format(name), [world.tenant_id]).fetchone())  # type: ignore[arg-type]
            for name in tables
            if name in there
        }


# --- another shop of the same business


@pytest.fixture
def shops(world: World) -> tuple[Node, Node]:
    """Kampala, which sold a phone and told the hub, and Entebbe, which has heard all that it should."""
    kampala, entebbe = world.enrol("KLA"), world.enrol("EBB")
    kampala.do("cash.open_drawer", opening_float=0)
    phone = kampala.do("products.create", name="Spark", category="Phones", price_minor=640_000, is_serialised=True)[
        "id"
    ]
    unit = kampala.do("handsets.receive", product_id=phone, imei1=IMEI)["unit_id"]
    pay = [{"method": "cash", "amount": 640_000}]
    kampala.do("sales.sell", {"items": [{"device_id": unit}], "payments": pay})
    kampala.sync()
    entebbe.sync()
    return kampala, entebbe


def test_another_shop_has_no_row_of_ours_that_is_a_shops_own(shops: tuple[Node, Node]) -> None:
    kampala, entebbe = shops
    shop_id, found = kampala.home.shop_id, 0
    for model in synced_models().values():
        if model.__sync__.stream is Stream.SHOP and "shop_id" in model.__table__.columns:
            assert entebbe.rows(model, shop_id=shop_id) == [], model
            found += len(kampala.rows(model, shop_id=shop_id))
    assert found >= 6
    assert not any(issubclass(model, LocalRow) for model in synced_models().values())


def test_another_shop_is_answered_nothing_for_our_ids(shops: tuple[Node, Node]) -> None:
    kampala, entebbe = shops
    client = Client(api_app(entebbe), entebbe.owner)
    ours = [
        row.id
        for model in synced_models().values()
        if model.__sync__.stream is Stream.SHOP and "shop_id" in model.__table__.columns
        for row in kampala.rows(model, shop_id=kampala.home.shop_id)
    ]
    wrong = []
    for route in reads():
        nobodys = asked(client, route, NOBODYS)
        for row_id in ours if route.path_names else [NOBODYS]:
            status, told = asked(client, route, row_id)
            if (status, told) != nobodys and route.path_names:
                wrong.append((route.rule, status, told[:200]))
            if any(other in told for other in ours if other != row_id):
                wrong.append((route.rule, status, told[:200]))

    assert wrong == []


def test_who_works_in_another_shop_does_not_sign_in_here(world: World) -> None:
    kampala, entebbe = world.enrol("KLA"), world.enrol("EBB")
    form = {"name": "Zed", "role": Role.STAFF.value, "email": "zed@kisura.example"}
    zed = perform(world.owner(), "staff.add", {**form, "shop_ids": [entebbe.home.shop_id]}).result["id"]
    set_portal_password(world.hub, world.tenant_id, zed, PASSWORD)
    kampala.sync()
    entebbe.sync()
    login = {"email": form["email"], "password": PASSWORD}

    Client(api_app(entebbe)).post("/auth/login", login, 200)
    Client(api_app(kampala)).post("/auth/login", login, 401)

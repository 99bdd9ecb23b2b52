"""A shop with only its API, called in this process; clients of the fixed cast."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask, request

from shopnode.api import create_api
from shopnode.api.accounts import NodeAccounts, actor_of_bearer
from shopnode.domain.context import Actor, Context
from shopnode.web.ui import request as requests_of
from tests.api.client import Client
from tests.api.goods import IMEI
from tests.hub.world import Node, World
from tests.shop import Shop, build_template, open_copy


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Actor]]:
    folder = tmp_path_factory.mktemp("template")
    return folder, build_template(folder)


@pytest.fixture
def shop(template: tuple[Path, dict[str, Actor]], tmp_path: Path) -> Iterator[Shop]:
    folder, people = template
    made, database = open_copy(folder, tmp_path, people)
    yield made
    database.close()
    shutil.rmtree(tmp_path, ignore_errors=True)


@pytest.fixture
def app(shop: Shop) -> Flask:
    return api_app(shop)


@pytest.fixture
def anybody(app: Flask) -> Client:
    """A program that has not signed in."""
    return Client(app)


@pytest.fixture
def owner(app: Flask, shop: Shop) -> Client:
    return Client(app, shop.owner)


@pytest.fixture
def supervisor(app: Flask, shop: Shop) -> Client:
    return Client(app, shop.supervisor)


@pytest.fixture
def staff(app: Flask, shop: Shop) -> Client:
    return Client(app, shop.cashier)


@pytest.fixture
def node(world: World) -> Node:
    """A shop of the hub that sold a cable and a phone, and has told it."""
    node = world.enrol("KLA")
    node.do("cash.open_drawer", opening_float=0)
    cable = node.do("products.create", name="Cable", category="Accessories", price_minor=8_000, cost_minor=3_000)["id"]
    phone = node.do("products.create", name="Spark", category="Phones", price_minor=640_000, is_serialised=True)["id"]
    unit = node.do("handsets.receive", product_id=phone, imei1=IMEI)["unit_id"]
    customer = node.do("customers.create", name="Okello", phone="0772123456")["id"]
    items = [{"product_id": cable, "quantity": 2}, {"device_id": unit}]
    payments = [{"method": "cash", "amount": 656_000}]
    node.do("sales.sell", {"items": items, "payments": payments, "customer_id": customer})
    world.clock.advance(1_000)
    node.do("sales.sell", {"items": items[:1], "payments": [{"method": "cash", "amount": 16_000}]})
    node.sync()
    return node


def api_app(shop: Shop) -> Flask:
    """An application with nothing but the API on it."""
    app = Flask("api-tests")
    accounts = NodeAccounts(shop.home)
    requests_of.install(app, _resolver(shop, accounts))
    create_api(app, accounts)
    return app


def _resolver(shop: Shop, accounts: NodeAccounts) -> Callable[[], Context | None]:
    """By token, as at a node; or by name, which spares a test the slow password."""

    def resolve() -> Context | None:
        name = request.headers.get("X-Test-Person")
        actor = shop.people.get(name) if name else actor_of_bearer(accounts, request.headers.get("Authorization"))
        if actor is None:
            return None
        return Context(shop.home, actor, shop.home.shop_id, requests_of.channel())

    return resolve

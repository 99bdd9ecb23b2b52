"""The owner opens the papers and labels of all shops in the portal; printing is a shop's."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from tests.api.client import MALLORY, signed_in
from tests.api.goods import IMEI
from tests.hub.world import Node, World


@pytest.fixture
def app(world: World) -> Flask:
    return world.app


def test_papers_are_the_same_at_the_hub(app: Flask, node: Node) -> None:
    owner = signed_in(app)
    sales: list[dict[str, Any]] = owner.get("/sales")["items"]
    device = owner.get(f"/devices?imei={IMEI}")["items"][0]
    customer = owner.get("/customers")["items"][0]

    for method, path, body in (
        ("GET", f"/sales/{sales[1]['id']}/invoice", None),
        ("GET", f"/customers/{customer['id']}/statement/paper", None),
        ("POST", "/labels", {"unit_ids": [device["id"]]}),
    ):
        answer = owner.call(method, path, body)
        assert (answer.status_code, answer.content_type) == (200, "application/pdf"), (path, answer.text)
    refused = owner.post("/labels/print", {"unit_ids": [device["id"]]}, 403)
    assert refused["code"] == "wrong-place"


def test_another_business_gets_none_of_them(app: Flask, node: Node) -> None:
    owner, mallory = signed_in(app), signed_in(app, MALLORY)
    sale_id = owner.get("/sales")["items"][0]["id"]
    unit_id = owner.get(f"/devices?imei={IMEI}")["items"][0]["id"]

    mallory.get(f"/sales/{sale_id}/invoice", 404)
    mallory.post("/labels", {"unit_ids": [unit_id]}, 404)

"""Repairs between branches at the counter (rule 77): sent, expected, taken over, and taken back."""

from __future__ import annotations

import pytest
from flask import Flask

from shopnode.app import create_app
from shopnode.domain.repairs.models import RepairTicket
from tests.hub.world import Node, World
from tests.web.conftest import BareNode, Browser, words

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")
IMEI = "356938035643809"


def counter_of(node: Node) -> Browser:
    """The owner at a branch's own counter."""
    app: Flask = create_app(BareNode(node))
    made = Browser(app)
    assert made.post("/login", who="sarah@kisura.example", password="a long enough secret").status_code == 303
    return made


def test_rule_77_a_device_is_sent_expected_taken_over_and_its_way_is_seen(world: World) -> None:
    kampala, jinja = world.enrol("KLA"), world.enrol("JJA")
    for _ in range(2):
        kampala.sync(), jinja.sync()
    form = {
        "customer_phone": "0772 123 456", "customer_name": "Nakato Prossy", "device_brand": "Tecno",
        "device_model": "Spark 10", "issue_description": "board", "imei_serial": IMEI,
    }  # fmt: skip
    ticket_id = kampala.do("repairs.take_in", form)["ticket_id"]
    here, there = counter_of(kampala), counter_of(jinja)
    assert "Nothing between branches" in words(here.get("/repairs/transfers"))
    here.tap(f"/repairs/{ticket_id}/roads/to-branch", to_shop_id=str(jinja.home.shop_id))
    sent = here.get("/repairs/transfers")
    assert "Shop JJA" in words(sent) and "It never arrived" in words(sent) and "It is here" not in words(sent)
    for _ in range(2):
        kampala.sync(), jinja.sync()

    expected = there.get("/repairs/transfers")
    assert "It is here" in words(expected) and "Nakato" not in words(expected)
    address = expected.text.split('hx-post="', 1)[1].split('"', 1)[0]
    done = there.tap(address)
    (theirs,) = jinja.rows(RepairTicket)
    assert done.headers["HX-Redirect"] == f"/repairs/{theirs.id}"
    again = there.tap(address)
    assert again.status_code == 409 and "not on its way any more" in words(again)
    assert "Arrived" in words(there.get("/repairs/transfers?show=arrived"))
    assert "Nothing between branches" in words(there.get("/repairs/transfers"))


def test_rule_77_what_never_arrived_is_taken_back_with_the_reason(world: World) -> None:
    kampala, jinja = world.enrol("KLA"), world.enrol("JJA")
    for _ in range(2):
        kampala.sync(), jinja.sync()
    form = {"customer_phone": "0772 123 456", "customer_name": "Nakato", "device_brand": "Tecno",
            "device_model": "Spark 10", "issue_description": "board"}  # fmt: skip
    ticket_id = kampala.do("repairs.take_in", form)["ticket_id"]
    kampala.do("repairs.send_to_branch", ticket_id=ticket_id, to_shop_id=jinja.home.shop_id)
    here = counter_of(kampala)
    address = here.get("/repairs/transfers").text.split('hx-post="', 1)[1].split('"', 1)[0]
    refused = here.tap(address, reason="")
    assert refused.status_code == 422 and 'aria-invalid="true"' in refused.text
    here.tap(address, reason="the driver brought it back")
    assert kampala.row(RepairTicket, ticket_id).status == "Diagnosed"
    assert "Taken back" in words(here.get("/repairs/transfers?show=all"))

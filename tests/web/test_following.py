"""The public page of a repair at the hub: what anybody with the slip sees, and that a code nobody has tells nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event

from cloudhub.portal.following import LOOKS_PER_ADDRESS_MAX
from cloudhub.tenancy.tenants import add_shop
from shopnode.domain.repairs.following import WORDS, public_code, read_public_code, shop_signs
from shopnode.domain.repairs.models import RepairStatus, RepairTicket
from shopnode.domain.repairs.rules import SLIP_SIGNS
from tests.hub.world import Node, World
from tests.web.conftest import Browser, words

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


@pytest.fixture
def visitor(world: World) -> Browser:
    return Browser(world.app)


@pytest.fixture
def ticket(joined: Node) -> RepairTicket:
    """A repair that the hub has heard of."""
    form = {
        "customer_phone": "0772 123 456", "customer_name": "Nakato Prossy", "device_brand": "Tecno",
        "device_model": "Spark 10", "issue_description": "fell into the bath", "imei_serial": "356938035643809",
        "estimated_cost": 180_000, "estimated_completion": "2026-11-25T17:00:00+03:00", "notes": "rude customer",
    }  # fmt: skip
    ticket_id = joined.do("repairs.take_in", form)["ticket_id"]
    joined.sync()
    return joined.row(RepairTicket, ticket_id)


@contextmanager
def statements(world: World) -> Iterator[list[str]]:
    """What the hub asks its database meanwhile."""
    told: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        told.append(statement)

    engines = [world.hub.database._app, world.hub.database._gate]
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    yield told
    for engine in engines:
        event.remove(engine, "before_cursor_execute", note)


def test_whoever_has_the_slip_sees_where_the_repair_stands(
    visitor: Browser, joined: Node, ticket: RepairTicket
) -> None:
    address = f"/r/{public_code(ticket)}"
    answer = visitor.get(address)
    said = words(answer)
    assert answer.status_code == 200
    for fact in ("We have your device", "Tecno Spark 10", ticket.number, "Wednesday 25 November, 17:00"):
        assert fact in said, fact
    joined.clock.advance(1_000)
    joined.do("repairs.change_status", ticket_id=ticket.id, status="Cannot Repair")
    joined.sync()
    later = words(visitor.get(address.lower()))  # typed by hand
    assert "Ready for you, not repaired" in later and "17:00" not in later


def test_nothing_personal_is_told(visitor: Browser, ticket: RepairTicket) -> None:
    answer = visitor.get(f"/r/{public_code(ticket)}")
    page = answer.get_data(as_text=True)
    for secret in (
        "Nakato",
        "772",
        "356938035643809",
        "bath",
        "180,000",
        "180000",
        "rude",
        ticket.id,
        ticket.slip_code,
    ):
        assert secret not in page, secret
    told = {name: answer.headers[name] for name in ("Cache-Control", "X-Robots-Tag", "Referrer-Policy")}
    assert told == {"Cache-Control": "no-store", "X-Robots-Tag": "noindex", "Referrer-Policy": "no-referrer"}


def test_a_code_that_nobody_has_costs_as_much_as_one_that_somebody_has(
    world: World, visitor: Browser, ticket: RepairTicket
) -> None:
    right = public_code(ticket)
    visitor.get(f"/r/{right}")  # the shops are read once a minute
    signs = right[:4]
    others = [sign * 4 + right[4:] for sign in SLIP_SIGNS if sign * 4 != signs][:1]
    asked = {}
    for code in (right, f"{signs}{'2' * 10}", *others, "short", "x" * 300):
        with statements(world) as told:
            answer = visitor.get(f"/r/{code}")
        asked[code] = told
        assert answer.status_code == (200 if code == right else 404)
    assert len({tuple(told) for told in asked.values()}) == 1
    missing = {words(visitor.get(f"/r/{code}")) for code in asked if code != right}
    assert len(missing) == 1 and "No repair has this code" in missing.pop()


def test_another_business_answers_for_its_own_repairs_alone(
    world: World, visitor: Browser, ticket: RepairTicket
) -> None:
    stranger = add_shop(world.hub, world.mallory.tenant_id, "Mallory Mobile", "MAL")
    assert visitor.get(f"/r/{shop_signs(stranger)}{ticket.slip_code}").status_code == 404
    assert visitor.get(f"/r/{public_code(ticket)}").status_code == 200


def test_looks_from_one_address_are_counted_and_slowed(visitor: Browser, ticket: RepairTicket) -> None:
    answers = {visitor.get(f"/r/{'Z' * 14}").status_code for _ in range(LOOKS_PER_ADDRESS_MAX)}
    assert answers == {404}
    refused = visitor.get(f"/r/{public_code(ticket)}")
    assert refused.status_code == 429 and "Wait" in words(refused)


def test_every_status_has_words_for_the_customer() -> None:
    assert set(WORDS) == set(RepairStatus)
    assert read_public_code("ab2c 7kqm3-xpd9a") == ("AB2C", "7KQM3XPD9A")
    assert read_public_code("../../etc/passwd") == read_public_code("") == ("", "")

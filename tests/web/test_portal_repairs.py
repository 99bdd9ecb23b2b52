"""Repairs of all shops in the owner's portal: the longest first, narrowed, as a file, one whole, and nobody else's."""

from __future__ import annotations

import re

import pytest

from shopnode.domain.photos.rules import Photo
from shopnode.domain.photos.store import keep_photo, photo_or_none
from shopnode.domain.repairs.models import RepairEvent, RepairTicket
from tests.domain.bench import picture
from tests.hub.world import Node, World
from tests.web.conftest import Browser, Owner, words

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


def take_in(node: Node, phone: str, name: str, **more: object) -> str:
    form = {
        "customer_phone": phone, "customer_name": name, "device_brand": "Tecno", "device_model": "Spark 10",
        "issue_description": "screen", **more,
    }  # fmt: skip
    node.clock.advance(60_000)
    return str(node.do("repairs.take_in", form)["ticket_id"])


@pytest.fixture
def tickets(world: World, joined: Node) -> dict[str, RepairTicket]:
    """Two shops with a repair each that waits, one that is late, and one that was crossed out."""
    jinja = world.enrol("JJA")
    made = {
        "late": (joined, take_in(joined, "0772 123 456", "Nakato", estimated_completion="2026-09-22T18:00:00+03:00")),
        "other": (jinja, take_in(jinja, "0701 555 777", "Musa", imei_serial="356938035643809")),
        "gone": (joined, take_in(joined, "0701 555 778", "Ssali")),
    }
    joined.do("repairs.cancel", ticket_id=made["gone"][1], reason="twice")
    jinja.do("repairs.change_status", ticket_id=made["other"][1], status="Diagnosed")
    world.clock.advance(3 * 86_400_000)
    joined.sync()
    jinja.sync()
    return {name: node.row(RepairTicket, ticket_id) for name, (node, ticket_id) in made.items()}


@pytest.fixture
def looking(owner: Owner, tickets: dict[str, RepairTicket]) -> Owner:
    """The owner, back after those days."""
    owner.sign_in("sarah@kisura.example")
    return owner


def test_the_owner_sees_open_repairs_of_all_shops_the_longest_first(
    looking: Owner, tickets: dict[str, RepairTicket]
) -> None:
    shown = words(looking.get("/repairs"))
    assert "2 open repairs" in shown and "1 late" in shown and "3 days" in shown
    assert shown.index(tickets["late"].number) < shown.index(tickets["other"].number)
    assert tickets["gone"].number not in shown
    assert "Shop KLA" in shown and "Shop JJA" in shown and "Pending: 1, 1 late" in shown and "Diagnosed: 1" in shown
    assert "Nobody yet: 2, 1 late" in shown


def test_they_are_narrowed_and_paged_and_taken_as_a_file(
    looking: Owner, tickets: dict[str, RepairTicket], monkeypatch: pytest.MonkeyPatch
) -> None:
    def found(**asked: str) -> set[str]:
        text = words(looking.client.get("/repairs", query_string=asked, headers={"HX-Request": "true"}))
        return {name for name, ticket in tickets.items() if ticket.number in text}

    assert found(show="late") == {"late"} and found(show="all") == {"late", "other", "gone"}
    assert found(shop=tickets["other"].shop_id) == {"other"} and found(status="Cancelled") == {"gone"}
    assert found(q="356938035643809") == {"other"} and found(q="nobody") == set() == found(show="ready")
    assert "No repair fits" in words(looking.get("/repairs?q=nobody"))
    file = looking.get("/repairs?show=all&format=csv").get_data(as_text=True)
    assert all(ticket.number in file for ticket in tickets.values())
    monkeypatch.setattr("cloudhub.portal.repairs.PAGE_DEFAULT", 1)
    first = looking.get("/repairs").get_data(as_text=True)
    assert tickets["late"].number in first and tickets["other"].number not in first
    onward = first.split('hx-get="/repairs?', 1)[1].split('hx-get="/repairs?', 1)[-1].split('"', 1)[0]
    second = looking.get(f"/repairs?{onward.replace('&amp;', '&')}", htmx=True).get_data(as_text=True)
    assert tickets["other"].number in second and tickets["late"].number not in second
    assert looking.get("/repairs?cursor=nonsense").status_code == 422


def test_one_is_read_whole_and_changed_nowhere(looking: Owner, tickets: dict[str, RepairTicket]) -> None:
    page = looking.get(f"/repairs/{tickets['other'].id}")
    said = words(page)
    assert "Musa, in Shop JJA" in said and "Diagnosed · Sarah" in said and "Taken in" in said
    history = looking.get(f"/audit-logs?record={tickets['other'].id}").get_data(as_text=True)
    entry = re.findall(r'href="(/audit-logs/[0-9a-f-]{36})"', history)[0]
    assert f'href="/repairs/{tickets["other"].id}"' in looking.get(entry).get_data(as_text=True)
    assert "hx-post" not in page.get_data(as_text=True).partition("<main")[2].partition("</main")[0]


def test_photos_are_seen_once_they_have_come(
    world: World, joined: Node, looking: Owner, tickets: dict[str, RepairTicket]
) -> None:
    ticket = tickets["late"]
    joined.do("repairs.note", ticket_id=ticket.id, notes="dent", photos=[picture()])
    joined.sync()
    (event,) = joined.rows(RepairEvent, ticket_id=ticket.id, kind="photo")
    at = f"/repairs/{ticket.id}/photos/{event.id}"
    assert at not in looking.get(f"/repairs/{ticket.id}").text and looking.get(at).status_code == 404
    with joined.home.reading() as there, world.session() as here:
        blob = photo_or_none(there, str(event.photo))
        assert blob
        keep_photo(here, Photo(str(event.photo), blob.content), joined.ctx().now)
    assert at in looking.get(f"/repairs/{ticket.id}").text and looking.get(at).mimetype == "image/webp"
    assert looking.get(f"/repairs/{tickets['other'].id}/photos/{event.id}").status_code == 404


def test_another_business_sees_none_of_them(world: World, tickets: dict[str, RepairTicket]) -> None:
    stranger = Browser(world.app)
    signed = stranger.post("/login", who="mallory@other.example", password="a long enough secret")
    assert signed.status_code == 303
    shown = words(stranger.get("/repairs"))
    assert "No repair here" in shown and tickets["late"].number not in shown
    assert stranger.get(f"/repairs/{tickets['late'].id}").status_code == 404

"""The demo's repairs: one for each place a ticket can be in, taken in and worked on like any other."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from shopnode.domain.actions import perform
from shopnode.domain.clock import to_datetime
from shopnode.domain.context import Approval
from shopnode.domain.demo_cast import STAFF
from shopnode.domain.demo_story import Story

GOOD = {"powers_on": "ok", "body": "ok", "touch": "ok", "charging": "ok", "wifi": "ok", "front_camera": "ok"}
BROKEN_GLASS = {**GOOD, "screen_glass": "fault", "display": "fault", "earpiece": "not_tested"}


def fetched_in_time(story: Story) -> None:
    """Two repairs that went all the way; the second comes back under its warranty later."""
    for name, device, part, agreed, customer in (
        ("screen", ("Tecno", "Spark 20"), "Tecno Spark/Pop LCD", 120_000, 0),
        ("battery", ("Samsung", "Galaxy A14"), "Battery Samsung A", 75_000, 1),
    ):
        ticket = _take_in(story, name, customer, device, agreed=agreed, deposit=agreed // 2 // 1_000 * 1_000,
                          repair_type=name.capitalize())  # fmt: skip
        _mend(story, ticket, part)
        story.do(story.grace, "repairs.notify", ticket_id=ticket, message="Your phone is ready. Bring the slip.")
        rest = agreed - agreed // 2 // 1_000 * 1_000
        story.do(story.aisha, "repairs.deliver", ticket_id=ticket, taken_by="its owner", slip_code=story.things[name],
                 payments=[{"method": "cash", "amount": rest}], print_receipt=False)  # fmt: skip


def given_up(story: Story) -> None:
    """Too dear for its owner, beyond mending, and one that was written by mistake."""
    dear = _take_in(story, "dear", 2, ("Apple", "iPhone 13 Pro Max"), repair_type="Screen",
                    issue="Fell from a boda. The picture is green.")  # fmt: skip
    _diagnose(story, dear)
    story.do(story.grace, "repairs.estimate", ticket_id=dear, amount=650_000, notes="Soft OLED screen, fitted")
    story.do(story.grace, "repairs.answer", ticket_id=dear, accepted=False, amount=650_000, via="call",
             answered_by="The customer", notes="will buy another one instead")  # fmt: skip
    drowned = _take_in(story, "drowned", 3, ("Infinix", "Hot 30"), repair_type="Water damage", water_damage=True,
                       checklist={}, is_dead=True, issue="Was in the wash. Does not start.")  # fmt: skip
    _diagnose(story, drowned)
    _step(story, drowned, "Cannot Repair", "The board is corroded through.")
    twice = _take_in(story, "twice", 4, ("itel", "A60"), issue="Does not charge.")
    story.do(story.owner, "repairs.cancel", ticket_id=twice, reason="Written twice for one phone")


def never_fetched(story: Story) -> None:
    """Mended long ago; its owner does not answer."""
    ticket = _take_in(story, "forgotten", 5, ("Nokia", "G21"), agreed=40_000, repair_type="Charging port")
    _mend(story, ticket, "Charging board")
    story.do(story.grace, "repairs.remind", ticket_id=ticket)


def give_up_waiting(story: Story) -> None:
    """Nobody comes; two people agree that it is unclaimed, earlier than the settings say."""
    ticket = story.things["forgotten ticket"]
    story.do(story.grace, "repairs.remind", ticket_id=ticket, via="call", message="Called, no answer.")
    second = Approval(str(story.grace.id), STAFF[0].pin)
    perform(story.as_(story.owner), "repairs.mark_unclaimed", {"ticket_id": ticket}, approval=second)


def elsewhere(story: Story) -> None:
    """With another workshop; and one that turned out to be stolen."""
    board = _take_in(story, "board", 6, ("Apple", "iPhone 11"), agreed=180_000, repair_type="Board",
                     priority="High", issue="Restarts by itself, several times an hour.")  # fmt: skip
    _diagnose(story, board)
    story.do(story.grace, "repairs.send_out", ticket_id=board, sent_to="Nasser Road Board Clinic", cost=110_000,
             due_on=(story.today + timedelta(days=4)).isoformat(), notes="Audio chip and power management")  # fmt: skip
    held = _take_in(story, "held", 7, ("Samsung", "Galaxy S21"), repair_type="Unlocking",
                    imei_serial=story.chance.imei(), issue="Asks for an account nobody knows.")  # fmt: skip
    story.do(story.grace, "repairs.lock_stolen", ticket_id=held, reason="Police in Wandegeya, file SD 41/22: reported")


def on_the_bench(story: Story) -> None:
    """What is being worked on these days, one at every step of the main road."""
    ready = _take_in(story, "ready", 8, ("Tecno", "Camon 20"), agreed=135_000, deposit=50_000, repair_type="Screen",
                     passcode_way="stored", passcode="2580")  # fmt: skip
    _mend(story, ready, "Tecno Spark/Pop LCD")
    story.do(story.grace, "repairs.notify", ticket_id=ready, message="Your phone is ready. Bring the slip.")
    checked = _take_in(story, "checked", 9, ("Samsung", "Galaxy A04"), agreed=150_000, repair_type="Screen")
    _mend(story, checked, "Samsung A0x LCD", upto="Quality Check")
    opened = _take_in(story, "opened", 10, ("Infinix", "Smart 8"), agreed=65_000, repair_type="Battery",
                      priority="Urgent", issue="Lasts two hours. Travels tomorrow morning.")  # fmt: skip
    _mend(story, opened, "Battery Tecno/Infinix/itel", upto="In Progress")
    waits = _take_in(story, "parts", 11, ("Apple", "iPhone 12"), agreed=360_000, deposit=200_000, repair_type="Screen")
    _diagnose(story, waits)
    story.do(story.grace, "repairs.reserve_part", ticket_id=waits, name="OLED screen iPhone 12", unit_cost=210_000,
             unit_price=300_000)  # fmt: skip
    _step(story, waits, "Parts Ordered", "From Dubai, on Friday's flight")


def come_in_today(story: Story) -> None:
    """The newest: asked about, looked at, only just written, and one that did not last."""
    asked = _take_in(story, "asked", 0, ("Redmi", "Note 12"), repair_type="Camera", issue="The back camera is blurred.")
    _diagnose(story, asked)
    story.do(story.grace, "repairs.estimate", ticket_id=asked, amount=110_000)
    seen = _take_in(story, "seen", 1, ("Google", "Pixel 6"), repair_type="Speaker or microphone",
                    issue="Callers hear nothing unless the loudspeaker is on.")  # fmt: skip
    _diagnose(story, seen)
    _take_in(story, "new", 2, ("Tecno", "Pop 8"), agreed=50_000, repair_type="Charging port",
             issue="The charger only holds at an angle.", accessories=["SIM", "Case"])  # fmt: skip
    story.do(story.aisha, "repairs.take_in_rework", ticket_id=story.things["battery ticket"],
             issue_description="Empty by noon again.", checklist=GOOD)  # fmt: skip


def _take_in(
    story: Story, name: str, customer: int, device: tuple[str, str], *, agreed: int | None = None, deposit: int = 0,
    issue: str = "Fell on concrete. The glass is broken.", **more: Any,
) -> str:  # fmt: skip
    """A device over the counter. What it is called in the story finds its slip and its ticket later."""
    form: dict[str, Any] = {
        "customer_id": story.customers[customer], "device_brand": device[0], "device_model": device[1],
        "issue_description": issue, "faults": [str(more.get("repair_type", "Other")).lower()],
        "checklist": BROKEN_GLASS if more.get("repair_type") == "Screen" else GOOD,
        "estimated_completion": to_datetime(story.clock.now_ms + 2 * 86_400_000).isoformat(),
    }  # fmt: skip
    if agreed is not None:
        form |= {"estimated_cost": agreed, "agreed_via": "in_person"}
    if deposit:
        form["deposit"] = [{"method": "cash", "amount": deposit}]
    made = story.do(story.aisha, "repairs.take_in", **{**form, **more})
    story.things |= {name: made["slip_code"], f"{name} ticket": made["ticket_id"]}
    return str(made["ticket_id"])


def _diagnose(story: Story, ticket: str) -> None:
    story.do(story.grace, "repairs.assign", ticket_id=ticket, technician_id=story.ivan.id)
    _step(story, ticket, "Diagnosed")


def _mend(story: Story, ticket: str, part: str, *, upto: str = "Completed") -> None:
    """Along the main road with a part out of the drawer."""
    _diagnose(story, ticket)
    kept = story.do(story.grace, "repairs.reserve_part", ticket_id=ticket, product_id=story.ware(part).id)
    _step(story, ticket, "In Progress")
    if upto == "In Progress":
        return
    story.do(story.grace, "repairs.use_part", part_id=kept["part_id"], old_part="recycled")
    _step(story, ticket, "Quality Check", "Touch, picture and charging tried.")
    if upto == "Completed":
        _step(story, ticket, "Completed")


def _step(story: Story, ticket: str, status: str, notes: str | None = None) -> None:
    story.do(story.grace, "repairs.change_status", ticket_id=ticket, status=status, notes=notes)

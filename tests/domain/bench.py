"""A repair desk for a test: the drawer open, screens on the shelf, and one call for each thing done there."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import Any

from PIL import Image

from shopnode.domain.permissions import Role
from shopnode.domain.repairs.models import RepairEvent, RepairTicket
from tests.domain.till import IMEIS, Till, open_till
from tests.shop import Shop

PHONE = "0772 123 456"


@dataclass
class Bench:
    """Names for what is done at the desk; staff take in and hand over, a supervisor does the rest."""

    shop: Shop
    till: Till
    screen: str  # 90,000, cost 55,000, three on the shelf
    slips: dict[str, str]

    def take_in(self, role: Role = Role.STAFF, **more: Any) -> str:
        """A Tecno with a broken screen, from Nakato. Answers the ticket's id."""
        form = {
            "customer_phone": PHONE, "customer_name": "Nakato Prossy", "device_brand": "Tecno",
            "device_model": "Spark 10", "repair_type": "Screen", "issue_description": "fell, screen is black", **more,
        }  # fmt: skip
        self.shop.clock.advance(1)
        done = self.shop.perform("repairs.take_in", form, role=role).result
        self.slips[done["ticket_id"]] = done["slip_code"]
        return str(done["ticket_id"])

    def do(self, action: str, ticket_id: str, role: Role = Role.SUPERVISOR, **form: Any) -> dict[str, Any]:
        self.shop.clock.advance(1)  # no two people do something in one millisecond
        return self.shop.perform(f"repairs.{action}", {"ticket_id": ticket_id, **form}, role=role).result

    def go(self, ticket_id: str, *path: str, role: Role = Role.SUPERVISOR) -> None:
        for status in path:
            self.do("change_status", ticket_id, role=role, status=status)

    def agree(self, ticket_id: str, amount: int, accepted: bool = True, **more: Any) -> dict[str, Any]:
        """Estimate, ask, and write the answer."""
        self.do("estimate", ticket_id, amount=amount)
        answer = {"accepted": accepted, "amount": amount, "via": "call", "answered_by": "Nakato", **more}
        return self.do("answer", ticket_id, **answer)

    def mended(self, price: int = 150_000, **more: Any) -> str:
        """A ticket that is ready to be fetched, at a price without parts."""
        ticket_id = self.take_in(**more)
        self.go(ticket_id, "Diagnosed")
        self.agree(ticket_id, price)
        self.go(ticket_id, "In Progress", "Quality Check", "Completed")
        return ticket_id

    def deliver(self, ticket_id: str, *cash: int, role: Role = Role.STAFF, **more: Any) -> dict[str, Any]:
        form = {
            "taken_by": "Nakato Prossy", "slip_code": self.slips[ticket_id],
            "payments": [{"method": "cash", "amount": amount} for amount in cash], **more,
        }  # fmt: skip
        return self.do("deliver", ticket_id, role=role, **form)

    def ticket(self, ticket_id: str) -> RepairTicket:
        return self.shop.row(RepairTicket, ticket_id)

    def told(self, ticket_id: str, kind: str) -> list[RepairEvent]:
        found = self.shop.rows(RepairEvent, ticket_id=ticket_id, kind=kind)
        return sorted(found, key=lambda event: (event.at, event.id))

    def later(self, **more: int) -> None:
        """Move the clock on."""
        units = {"days": 86_400_000, "hours": 3_600_000, "minutes": 60_000}
        self.shop.clock.advance(sum(units[name] * count for name, count in more.items()))


def open_bench(shop: Shop) -> Bench:
    till = open_till(shop)
    form = {"name": "Screen for Spark 10", "category": "Parts", "price_minor": 90_000, "cost_minor": 55_000}
    screen = shop.do("products.create", form)["id"]
    shop.do("stock.adjust", product_id=screen, quantity=3, reason="opening stock", kind="opening")
    return Bench(shop, till, screen, {})


def picture() -> str:
    """A small photo, as base64."""
    file = io.BytesIO()
    Image.new("RGB", (8, 8), "navy").save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


__all__ = ["IMEIS", "PHONE", "Bench", "open_bench", "picture"]

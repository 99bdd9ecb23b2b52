"""How a customer follows a repair from anywhere: by the address on the slip, without signing in.

The address ends in a few signs of the shop and the code of the slip. The shop's signs are no secret: they say in whose
books the hub looks, so that no look-up crosses from one business to another. The code is one, of some 50 bits.

Invariants:
  * Nothing personal is told: neither whose device it is, nor its number, nor what was wrong or what it costs.
  * A code that is not known is looked for as one that is, in as many steps.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from shopnode.domain.people.models import Business, Shop
from shopnode.domain.repairs.models import RepairStatus, RepairTicket
from shopnode.domain.repairs.rules import SLIP_LENGTH, SLIP_SIGNS, bare_slip_code

SHOP_SIGNS = 4
PATH = "/r/"
S = RepairStatus

# What a customer is told. What is between us and others stays there: a device that is held is asked for at the shop.
WORDS: dict[RepairStatus, tuple[str, str]] = {
    S.PENDING: ("We have your device", "It waits for its turn to be looked at."),
    S.DIAGNOSED: ("We have looked at it", "We know what it needs, and the work begins next."),
    S.WAITING_FOR_APPROVAL: ("We wait for your answer", "Call or visit us: we have a price for you to agree to."),
    S.PARTS_ORDERED: ("We wait for a part", "The part your device needs is on its way to us."),
    S.IN_PROGRESS: ("We are working on it", "A technician has your device on the bench."),
    S.QUALITY_CHECK: ("We are testing it", "The work is done, and we make sure that everything works."),
    S.COMPLETED: ("Ready for you", "Bring your slip and fetch your device."),
    S.DELIVERED: ("Fetched", "Your device has left us. Keep your receipt: it is your warranty."),
    S.DECLINED: ("Ready for you, not repaired", "As you asked. Bring your slip and fetch your device."),
    S.CANNOT_REPAIR: ("Ready for you, not repaired", "We could not repair it. Bring your slip and fetch your device."),
    S.OUTSOURCED: ("We are working on it", "A workshop of ours has your device."),
    S.TRANSFERRED: ("We are working on it", "Another branch of ours has your device."),
    S.UNCLAIMED: ("Please fetch it", "Your device has waited for you for long. Come soon, or call us."),
    S.STOLEN: ("Please ask at the shop", "Call us about your device, or come by."),
    S.BOUGHT: ("Closed", "You sold your device to us."),
    S.DISPOSED: ("Closed", "Your device was not fetched in time. Call us."),
    S.CANCELLED: ("Closed", "This slip was written by mistake. Call us if you do not know why."),
}
UNDER_WAY = (
    S.PENDING, S.DIAGNOSED, S.WAITING_FOR_APPROVAL, S.PARTS_ORDERED, S.IN_PROGRESS, S.QUALITY_CHECK, S.OUTSOURCED,
    S.TRANSFERRED,
)  # fmt: skip


@dataclass(frozen=True)
class PublicRepair:
    """What anybody with the slip may know."""

    number: str
    device: str
    status: RepairStatus
    headline: str
    words: str
    taken_at: datetime
    promised_at: datetime | None  # while it is under way
    timezone: str
    business: str
    shop: str
    shop_address: str | None
    shop_phone: str | None

    @property
    def is_under_way(self) -> bool:
        return self.status in UNDER_WAY


def shop_signs(shop_id: str) -> str:
    """The signs of a shop in the addresses of its repairs. Two shops may share them: both are asked then."""
    return "".join(SLIP_SIGNS[byte % len(SLIP_SIGNS)] for byte in sha256(shop_id.encode()).digest()[:SHOP_SIGNS])


def public_code(ticket: RepairTicket) -> str:
    """What the address of this ticket ends in."""
    return shop_signs(ticket.shop_id) + ticket.slip_code


def read_public_code(typed: str) -> tuple[str, str]:
    """The shop's signs and the slip's code, however they were typed; what cannot be a code becomes one nobody has."""
    bare = bare_slip_code(typed[:60])
    if len(bare) != SHOP_SIGNS + SLIP_LENGTH:
        return "", ""
    return bare[:SHOP_SIGNS], bare[SHOP_SIGNS:]


_FOUND = (
    select(RepairTicket, Shop, Business.name)
    .join(Shop, Shop.id == RepairTicket.shop_id)
    .outerjoin(Business, Business.id.is_not(None))
    .where(RepairTicket.slip_code == bindparam("code"))
    .order_by(RepairTicket.taken_at.desc(), RepairTicket.id.desc())
    .limit(5)
)


def followed_or_none(session: Session, shop_ids: Collection[str], code: str) -> PublicRepair | None:
    """The repair of this code in these shops, or None. One statement, whatever comes of it."""
    for ticket, shop, business in session.execute(_FOUND, {"code": code}):
        if ticket.shop_id in shop_ids:
            return _told(ticket, shop, business)
    return None


def _told(ticket: RepairTicket, shop: Shop, business: str | None) -> PublicRepair:
    status = RepairStatus(ticket.status)
    headline, words = WORDS[status]
    promised = ticket.promised_at if status in UNDER_WAY else None
    return PublicRepair(
        ticket.number, f"{ticket.brand} {ticket.model}", status, headline, words, ticket.taken_at, promised,
        shop.timezone, business or shop.name, shop.name, shop.address, shop.phone,
    )  # fmt: skip

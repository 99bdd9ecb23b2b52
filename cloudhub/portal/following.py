"""The public page of a repair: whoever has the slip sees where it stands, without signing in and with nothing personal.

Invariants:
  * The shop's signs in the address say in whose books is looked; the look-up runs in that business's own reach.
  * A code that nobody has costs the same statements as one that somebody has, and is counted the same: neither time nor
    number of tries tells them apart.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from flask import current_app, make_response, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from cloudhub.hub import Hub
from cloudhub.portal.blueprint import bp, this_hub
from cloudhub.tenancy.models import ShopSeat
from cloudhub.tenancy.throttle import count_try
from shopnode.domain.phones import show_phone
from shopnode.domain.repairs.following import PublicRepair, followed_or_none, read_public_code, shop_signs
from shopnode.domain.repairs.models import RepairStatus
from shopnode.domain.repairs.rules import SLIP_LENGTH
from shopnode.web.ui.frame import part

LOOKS_PER_ADDRESS_MAX = 120  # in fifteen minutes: a whole quarter of a town may share one address
SEATS_KNOWN_FOR_MS = 60_000
# How far along it is, as a picture; a repair that left the road has none.
STEPS = {
    RepairStatus.PENDING: 1, RepairStatus.DIAGNOSED: 2, RepairStatus.WAITING_FOR_APPROVAL: 2,
    RepairStatus.PARTS_ORDERED: 3, RepairStatus.IN_PROGRESS: 3, RepairStatus.OUTSOURCED: 3, RepairStatus.TRANSFERRED: 3,
    RepairStatus.QUALITY_CHECK: 4, RepairStatus.COMPLETED: 5,
}  # fmt: skip
NOBODY = "00000000-0000-0000-0000-000000000000"  # no business has this id
KNOWN = "shops-by-signs"


@dataclass
class ShopsBySigns:
    """Which shops the signs of an address may mean: read at once, and again after a minute."""

    read_ms: int | None = None
    shops: dict[str, list[tuple[str, str]]] = field(default_factory=dict)  # signs → (business, shop)

    def meant_by(self, hub: Hub, signs: str) -> list[tuple[str, str]]:
        now = hub.clock.mono_ms()
        if self.read_ms is None or not 0 <= now - self.read_ms < SEATS_KNOWN_FOR_MS:
            self.shops, self.read_ms = _read_seats(hub), now
        return self.shops.get(signs, [])


@bp.get("/r/<code>")
def follow_repair(code: str) -> ResponseReturnValue:
    """Where a repair stands, for whoever has its slip."""
    hub = this_hub()
    count_try(hub.database, hub.clock, {f"follow:{request.remote_addr}": LOOKS_PER_ADDRESS_MAX})
    found = find_public(hub, code)
    response = make_response(part("portal/follow.html", repair=_shown(found) if found else None))
    response.status_code = 200 if found else 404
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Robots-Tag"] = "noindex"
    response.headers["Referrer-Policy"] = "no-referrer"  # the address is a key: it is told to nobody
    return response


def find_public(hub: Hub, code: str) -> PublicRepair | None:
    """The repair of this address, or None."""
    signs, slip = read_public_code(code)
    known: ShopsBySigns = current_app.extensions.setdefault(KNOWN, ShopsBySigns())
    meant: dict[str, list[str]] = defaultdict(list)
    for tenant_id, shop_id in known.meant_by(hub, signs):
        meant[tenant_id].append(shop_id)
    for tenant_id, shop_ids in (meant or {NOBODY: [NOBODY]}).items():
        with hub.database.session(tenant_id, read_only=True) as session:
            found = followed_or_none(session, shop_ids, slip or "-" * SLIP_LENGTH)
        if found is not None:
            return found
    return None


def _read_seats(hub: Hub) -> dict[str, list[tuple[str, str]]]:
    by_signs: dict[str, list[tuple[str, str]]] = defaultdict(list)
    with hub.database.gate() as gate:
        for tenant_id, shop_id in gate.execute(select(ShopSeat.tenant_id, ShopSeat.shop_id).order_by(ShopSeat.shop_id)):
            by_signs[shop_signs(shop_id)].append((tenant_id, shop_id))
    return dict(by_signs)


def _shown(found: PublicRepair) -> dict[str, object]:
    """In words: days and times of the shop's own zone."""
    zone = ZoneInfo(found.timezone)
    taken, promised = found.taken_at.astimezone(zone), found.promised_at
    due = promised.astimezone(zone) if promised else None
    return {
        "step": STEPS.get(found.status), "steps": max(STEPS.values()),
        "number": found.number, "device": found.device, "headline": found.headline, "words": found.words,
        "taken": f"{taken:%A} {taken.day} {taken:%B %Y}",
        "promised": f"{due:%A} {due.day} {due:%B}, {due:%H:%M}" if due else "",
        "business": found.business, "shop": found.shop if found.shop != found.business else "",
        "address": found.shop_address or "", "phone": show_phone(found.shop_phone) if found.shop_phone else "",
        "phone_link": found.shop_phone or "",
    }  # fmt: skip

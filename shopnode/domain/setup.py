"""The first minutes of a node: what makes this installation itself, and the business that starts alone in it.

A node that starts standalone chooses its own ids. The hub adopts them when it is enrolled later, so nothing that was
recorded before has to change.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import shopnode.domain.people.actions  # noqa: F401 — registers what founding performs
from shopnode.domain.actions import perform_many
from shopnode.domain.clock import Clock, RandomBytes, new_id
from shopnode.domain.context import CONSOLE, Context
from shopnode.domain.engine import NodeDatabase
from shopnode.domain.node import Installation, NodeHome
from shopnode.domain.permissions import Role
from sync_protocol.chain import genesis

FINGERPRINT_KEY_BYTES = 32


def create_installation(
    database: NodeDatabase,
    clock: Clock,
    random: RandomBytes,
    *,
    series: str,
    tenant_id: str | None = None,
    node_id: str | None = None,
    origin_id: str | None = None,
    shop_id: str | None = None,
    awaits_books: bool = False,
) -> None:
    """Write the row that makes this copy of the program itself: its ids, and an empty chain.

    awaits_books  the shop's books exist elsewhere: no action runs here until they have arrived
    """

    def fresh(given: str | None) -> str:
        return given or new_id(clock.wall_ms(), random)

    origin_id = fresh(origin_id)
    with database.writing() as session:
        session.add(
            Installation(
                id=1,
                tenant_id=fresh(tenant_id),
                node_id=fresh(node_id),
                origin_id=origin_id,
                shop_id=fresh(shop_id),
                series=series,
                head_n=0,
                head_hash=genesis(origin_id),
                seen=0,
                latest_ms=0,
                awaits_books=awaits_books,
                fingerprint_key=random(FINGERPRINT_KEY_BYTES),
            )
        )


def found_business(
    home: NodeHome,
    *,
    business_name: str,
    shop_name: str,
    shop_code: str,
    owner_name: str,
    owner_phone: str,
    owner_password: str,
    currency: str = "UGX",
    timezone: str = "Africa/Kampala",
    vat_rate_bp: int = 0,
) -> str:
    """The business, its first shop and its owner, all or none. Answers the owner's id."""
    ctx = Context(home, CONSOLE, home.shop_id)
    business = {"name": business_name, "currency": currency}
    shop = {"name": shop_name, "code": shop_code, "timezone": timezone, "vat_rate_bp": vat_rate_bp}
    owner = {"name": owner_name, "role": Role.OWNER.value, "phone": owner_phone, "password": owner_password}
    acts: list[tuple[str, Mapping[str, Any], None]] = [
        ("business.set_up", business, None),
        ("shops.open", shop, None),
        ("staff.add", owner, None),
    ]
    done = perform_many(ctx, acts)
    return str(done[-1].result["id"])

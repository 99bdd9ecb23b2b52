"""A day whose Z report the hub could not take in yet is not approved there; it may be rejected."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from shopnode.domain.actions import perform
from shopnode.domain.closures.days import whole_day
from shopnode.domain.closures.errors import ReportsMissing
from shopnode.domain.closures.queries import closure_view
from tests.hub.raw import raw_node
from tests.hub.world import World

AT = 1_790_000_000_000
MONEY = ("cash_minor", "mtn_minor", "airtel_minor", "card_minor", "bank_minor", "other_minor", "collected_minor",
         "expected_minor", "variance_minor")  # fmt: skip


def test_rule_84_a_day_whose_z_has_not_arrived_is_not_approved(world: World) -> None:
    raw = raw_node(world)
    z_report = {
        "id": raw.new_id(), "number": "KLA1-Z000041", "drawer_session_id": raw.new_id(), "till": None, "difference": 0,
        "collected": 0, "is_within_limit": True, "size": 0, "floats": {},
    }  # fmt: skip
    body = {"z_reports": [z_report], "sales": {"count": 0, "total": 0, "undone": 0}, "no_sales": 0, "collected": 0,
            "restated": {}, "reason": None}  # fmt: skip
    row: dict[str, Any] = {
        "id": raw.new_id(), "shop_id": raw.shop, "business_on": "2026-11-22", "nth": 1, **dict.fromkeys(MONEY, 0),
        "body": orjson.dumps(body).decode(), "at": AT,
    }  # fmt: skip
    raw.write(["day_closure", "i", list(row), [list(row.values())]])
    assert raw.push().verdicts == {}
    portal = world.owner()
    with portal.home.reading() as session:
        day = whole_day(portal.inside(session), closure_view(portal.inside(session), row["id"]))
    assert (day.expected, [one.row for one in day.z_reports]) == (None, [None])
    with pytest.raises(ReportsMissing, match="KLA1-Z000041 of 2026-11-22 has not arrived here yet"):
        perform(portal, "closures.approve", {"closure_id": row["id"]})
    done = perform(portal, "closures.reject", {"closure_id": row["id"], "reason": "where is the Z?"})
    assert done.result["status"] == "Rejected"

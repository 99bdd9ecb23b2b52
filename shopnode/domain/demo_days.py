"""A day of the demo's shop: who comes, the drawer from its float to its Z report, and what becomes of the day.

The drawer is counted by notes and by wallet, as the shop demands of its people. What is in it is read from the books:
the story plays whoever counts.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from sqlalchemy import select

from shopnode.domain.cash.counting import expected_now
from shopnode.domain.cash.queries import open_session_or_none
from shopnode.domain.cash.rules import NOTES, Sums
from shopnode.domain.closures.models import ZReport
from shopnode.domain.closures.queries import latest_of_day
from shopnode.domain.demo_story import Story

FLOAT_MINOR = 100_000
KEPT_MINOR = 300_000  # of what is above it, most goes into the safe in the evening
SHORT = {3: 2_000, 5: 6_500, 8: 2_000}  # by days ago: what is missing when the drawer is counted
MISSING = 31_000  # two days ago: more than anybody may let pass alone
EXPLAINED = "Change for a 50,000 note was given twice; the customer did not come back."


def open_day(story: Story) -> None:
    """Everybody clocks in, and the float is counted."""
    for person in (story.grace, story.ivan, story.aisha):
        story.do(person, "attendance.come")
    story.do(story.grace, "cash.open_drawer", opening_float=FLOAT_MINOR, denominations=_notes(FLOAT_MINOR))


def close_day(story: Story, days_ago: int) -> None:
    """Money goes into the safe, the drawer is counted, the day handed in, and everybody goes home."""
    sums = _expected(story)
    if sums.cash_minor > KEPT_MINOR:
        dropped = (sums.cash_minor - FLOAT_MINOR) // 50_000 * 50_000
        story.do(story.grace, "cash.drop_to_safe", amount=dropped)
        sums = _expected(story)
    counted = max(0, sums.cash_minor - (MISSING if days_ago == 2 else SHORT.get(days_ago, 0)))
    # A wallet out of which more was paid than came in is read on the bank's list, not at the counter.
    wallets = [{"tender": name, "amount": amount} for name, amount in sums.others.items() if amount > 0]
    story.do(story.grace, "cash.close_drawer", denominations=_notes(counted), wallets=wallets)
    story.do(story.grace, "closures.submit", business_on=story.today)
    for person in (story.ivan, story.aisha, story.grace):
        story.do(person, "attendance.go")


def look_through_days(story: Story, days_ago: int) -> None:
    """The owner decides the day before yesterday's; what is older is locked, the last two days wait."""
    day = story.today - timedelta(days=2)
    if days_ago < 1:
        return
    _decide(story, day, "approve")
    _decide(story, day - timedelta(days=2), "lock")


def send_a_day_back(story: Story) -> None:
    """A day whose wallet was misread: rejected, put right, and approved then."""
    day = story.today - timedelta(days=1)
    about = _closure_of(story, day)
    if about is None:
        return
    story.do(story.owner, "closures.reject", closure_id=about, reason="The MTN phone shows 5,000 less. Look again.")
    with story.home.reading() as session:
        known = latest_of_day(session, story.home.shop_id or "", day)
        mtn = known.row.mtn_minor if known else 0
    made = story.do(story.grace, "closures.update", closure_id=about, mtn_amount=max(0, mtn - 5_000),
                    reason="A customer's 5,000 was counted twice.")  # fmt: skip
    story.do(story.owner, "closures.approve", closure_id=made["closure_id"])


def explain_a_shortage(story: Story) -> None:
    """What was missing five days ago is explained, and half of it is the cashier's to pay."""
    day = story.today - timedelta(days=1)
    query = select(ZReport.drawer_session_id).where(ZReport.business_on == day, ZReport.difference_minor < 0)
    with story.home.reading() as session:
        drawer = session.scalars(query.limit(1)).first()
    if drawer is not None:
        story.do(story.owner, "cash.accept_difference", drawer_session_id=drawer, explanation=EXPLAINED,
                 charge_to=story.aisha.id, charge=3_000)  # fmt: skip


def _decide(story: Story, day: date, verb: str) -> None:
    about = _closure_of(story, day)
    wanted = "Submitted" if verb == "approve" else "Approved"
    if about is not None and _status_of(story, day) == wanted:
        story.do(story.owner, f"closures.{verb}", closure_id=about)


def _closure_of(story: Story, day: date) -> str | None:
    with story.home.reading() as session:
        known = latest_of_day(session, story.home.shop_id or "", day)
        return known.row.id if known else None


def _status_of(story: Story, day: date) -> str | None:
    with story.home.reading() as session:
        known = latest_of_day(session, story.home.shop_id or "", day)
        return known.status.value if known else None


def _expected(story: Story) -> Sums:
    with story.home.reading() as session:
        drawer = open_session_or_none(session, story.home.shop_id or "", story.grace.id)
        assert drawer is not None  # the story opened it this morning
        return expected_now(session, drawer)


def _notes(amount_minor: int) -> list[dict[str, Any]]:
    """An amount in notes and coins, the largest first."""
    found = []
    for value in NOTES["UGX"]:
        pieces, amount_minor = divmod(amount_minor, value)
        if pieces:
            found.append({"value": value, "pieces": pieces})
    return found

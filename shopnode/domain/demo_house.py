"""The demo's house: what the owner chose, what the shop spends, what people earn, and what goes through the drawer."""

from __future__ import annotations

from datetime import timedelta

from shopnode.domain.cash.slips import safe_minor
from shopnode.domain.clock import to_datetime
from shopnode.domain.demo_story import Story

HOUR_MS = 3_600_000
DEPOSIT_MINOR = 200_000


def choose(story: Story) -> None:
    """Rules of the house, budgets, what comes again each month, and what is earned by selling."""
    story.do(story.owner, "settings.change_all", values={
        "expense_limit_supervisor_minor": 20_000, "points_per_1000_minor": 1, "point_worth_minor": 10,
        "used_id_photos": 0, "used_hold_days": 2,
    })  # fmt: skip
    for category, month in (("Rent", 1_200_000), ("Transport", 150_000), ("Airtime", 60_000), ("Meals", 100_000)):
        story.do(story.owner, "expenses.set_budget", category=category, month_amount=month)
    day = story.today
    for category, words, amount, method in (
        ("Rent", "Shop on Kampala Road", 1_200_000, "bank"), ("Internet", "Fibre, unlimited", 180_000, "mtn_momo"),
    ):  # fmt: skip
        story.do(story.owner, "expenses.add_recurring", category=category, description=words, amount=amount,
                 payment_method=method, day_of_month=min(day.day, 28))  # fmt: skip
    for rule in (
        {"category": "New phones", "rate_bp": 100}, {"category": "Accessories", "rate_bp": 300},
        {"category": "Used phones", "per_piece_minor": 10_000}, {"of_repairs": True, "rate_bp": 2_000},
    ):  # fmt: skip
        story.do(story.owner, "commissions.add_rule", **rule)
    story.do(story.owner, "expenses.raise_recurring")


def spend(story: Story) -> None:
    """Small things are paid out of the drawer at once; a larger one waited for its yes."""
    for category, words, amount in (
        ("Transport", "Boda to Kikuubo and back", 12_000), ("Airtime", "Bundles for the shop's phone", 20_000),
        ("Meals", "Lunch for three on Saturday", 18_000),
    ):  # fmt: skip
        made = story.do(story.grace, "expenses.request", category=category, description=words, amount=amount)
        story.do(story.grace, "expenses.pay", expense_id=made["expense_id"], method="cash")
    lamp = story.do(story.grace, "expenses.request", category="Repairs and tools", amount=145_000,
                    description="Lamp and magnifier for the bench")  # fmt: skip
    story.do(story.owner, "expenses.approve", expense_id=lamp["expense_id"])
    story.do(story.grace, "expenses.pay", expense_id=lamp["expense_id"], method="mtn_momo",
             reference=story.chance.reference("mtn_momo"))  # fmt: skip


def ask_for_money(story: Story) -> None:
    """One expense was refused, one may be paid, two wait."""
    wanted = (
        ("Other", "Loudspeaker for the street", 260_000), ("Electricity", "Yaka tokens", 90_000),
        ("Cleaning", "Signboard washed and one letter mended", 45_000), ("Transport", "Van for the new shelf", 110_000),
    )  # fmt: skip
    asked = [
        story.do(story.grace, "expenses.request", category=category, description=words, amount=amount)["expense_id"]
        for category, words, amount in wanted
    ]
    story.do(story.owner, "expenses.reject", expense_id=asked[0], reason="KCCA fines loud music. Not now.")
    story.do(story.owner, "expenses.approve", expense_id=asked[1])


def move_cash(story: Story) -> None:
    """Change fetched, a porter paid, a drawer opened for nothing: everything that is asked about later."""
    story.do(story.grace, "cash.pay_in", amount=50_000, reason="Small notes from the forex bureau")
    story.do(story.ivan, "cash.pay_out", amount=5_000, reason="Porter for the delivery")
    for reason in ("Changed a 50,000 for the neighbour", "Changed a 20,000 note", "Looked for a lost receipt"):
        story.do(story.ivan, "cash.open_without_sale", reason=reason)


def bring_to_the_bank(story: Story) -> None:
    """What lay in the safe goes to the bank, which confirms it."""
    with story.home.reading() as session:
        in_safe = safe_minor(session, story.home.shop_id or "")
    if in_safe < DEPOSIT_MINOR:
        story.do(story.grace, "cash.drop_to_safe", amount=DEPOSIT_MINOR)
    slip = f"DEP{story.chance.number(10**6, 10**7 - 1)}"
    made = story.do(story.grace, "cash.deposit_at_bank", amount=DEPOSIT_MINOR, reference=slip, from_safe=True)
    story.do(story.owner, "cash.confirm_deposit", money_move_id=made["money_move_id"], amount=DEPOSIT_MINOR,
             confirmed_on=story.today.isoformat(), reference=slip)  # fmt: skip


def pay_people(story: Story) -> None:
    """An advance to one, a commission to another, and two corrections of times: one accepted, one waiting."""
    story.do(story.owner, "staff.book", staff_id=story.aisha.id, kind="advance", amount=50_000, method="cash",
             note="School fees")  # fmt: skip
    story.do(story.owner, "staff.book", staff_id=story.ivan.id, kind="commission_paid", amount=40_000,
             method="mtn_momo", reference=story.chance.reference("mtn_momo"))  # fmt: skip
    for person, words, hours_ago in (
        (story.ivan, "Stayed for a late customer", 36), (story.aisha, "Came early, to count the shelf", 26),
    ):  # fmt: skip
        came_ms = story.clock.now_ms - hours_ago * HOUR_MS
        asked = story.do(person, "attendance.ask_correction", reason=words, came_at=to_datetime(came_ms).isoformat(),
                         went_at=to_datetime(came_ms + HOUR_MS).isoformat())  # fmt: skip
        if person is story.ivan:
            story.do(story.owner, "attendance.decide_correction", correction_id=asked["id"], outcome="accepted")


def take_lists_out(story: Story) -> None:
    """Who took which list out of the shop is written down; so these are, too."""
    for actor, name, kind, rows in ((story.owner, "sales", "xlsx", 120), (story.grace, "products", "csv", 94)):
        story.do(actor, "lists.export", name=name, format=kind, rows=rows,
                 filters={"from": (story.today - timedelta(days=30)).isoformat()})  # fmt: skip

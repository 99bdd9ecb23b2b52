"""The settings there are, their types, defaults and help. One place; screens, API and tests read it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from shopnode.domain.notices.kinds import KINDS, NoticeKind, channels_key, roles_key
from shopnode.domain.notices.models import Channel
from shopnode.domain.permissions import Role

HOURS = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]-(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)")
HOURS_LIKE = "must be like 08:00-20:00, or empty for a day on which the shop is shut"
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True)
class Choice:
    """One setting: a whole number with bounds, in the unit named by its key, or text.

    options  the words it may be; any text where there are none
    many     any number of the options, by comma, also none
    """

    key: str
    default: int | str
    help: str
    minimum: int = 0
    maximum: int = 10**12
    options: tuple[str, ...] = ()
    many: bool = False


CHOICES = {
    choice.key: choice
    for choice in (
        Choice("discount_limit_staff_bp", 500, "Discount a staff member may give alone, in basis points.", 0, 10_000),
        Choice("discount_limit_supervisor_bp", 1500, "Discount a supervisor may give alone.", 0, 10_000),
        Choice("custom_line_limit_minor", 200_000, "A line without a product above this needs a second person."),
        Choice(
            "discount_max_staff_minor", 0, "Off one whole ticket a staff member gives at most this; 0 for no limit."
        ),
        Choice(
            "discount_max_supervisor_minor", 0, "Off one whole ticket a supervisor gives at most this; 0 for no limit."
        ),
        Choice("refund_limit_staff_minor", 100_000, "A refund above this needs a supervisor or the owner."),
        Choice("refund_limit_supervisor_minor", 500_000, "A refund above this needs the owner."),
        Choice(
            "write_off_limit_supervisor_minor", 1_000_000, "Goods of a higher cost are written off by the owner alone."
        ),
        Choice("return_window_days", 7, "Days in which goods may come back; later needs a second person.", 0, 3650),
        Choice("open_box_fee_bp", 0, "Kept of the price of goods that come back opened, in basis points.", 0, 10_000),
        Choice("cash_rounding_minor", 0, "The smallest note: cash is rounded to it; 0 for no rounding.", 0, 10_000),
        Choice("usd_rate_minor", 0, "What one US dollar in cash is worth today; 0 when none are taken.", 0, 10**7),
        Choice("customer_above_minor", 0, "Goods with a warranty above this price need a customer; 0 for none."),
        Choice("idle_lock_minutes", 10, "After so many minutes without a touch a screen asks for a PIN.", 1, 480),
        Choice(
            "remember_days",
            30,
            "Days for which a browser may be remembered, so that a PIN is enough; 0 for none.",
            0,
            90,
        ),
        Choice(
            "photo_kb_per_day", 5_000, "Kilobytes of photos a shop may send and fetch in a day; 0 for none.", 0, 10**6
        ),
        Choice(
            "credit_days", 30, "Days until what is sold on account is due, unless the customer's own are set.", 0, 365
        ),
        Choice("points_per_1000_minor", 0, "Loyalty points earned by 1,000 minor units spent; 0 for none.", 0, 1_000),
        Choice(
            "point_worth_minor", 0, "What a point is worth as money, in minor units; 0: points pay nothing.", 0, 10**6
        ),
        Choice("points_spend_min", 0, "The fewest points that may be used at once.", 0, 10**6),
        Choice("plan_deposit_bp", 2_000, "The least deposit of a layaway or instalment plan, of its price.", 0, 10_000),
        Choice("plan_forfeit_bp", 1_000, "Kept of what was paid when a customer gives a plan up.", 0, 10_000),
        Choice("plan_days", 90, "Days a layaway is kept for.", 1, 730),
        Choice("reservation_days", 7, "Days a reservation is kept for.", 1, 365),
        Choice("vat_on_margin", 0, "1: VAT on phones bought from people is counted on the margin alone.", 0, 1),
        Choice("used_hold_days", 7, "Days a phone bought from a person is held back before it is sold.", 0, 365),
        Choice("used_id_photos", 1, "Photos needed of a seller's ID when a phone is bought; 0 for none.", 0, 4),
        Choice("identity_keep_months", 60, "Months for which it is kept who sold a phone.", 1, 240),
        Choice("count_difference_limit_minor", 50_000, "A larger difference of one's own count needs a second person."),
        Choice(
            "variance_limit_minor", 20_000, "A drawer that is off by more needs an explanation and a second person."
        ),
        Choice(
            "variance_limit_supervisor_minor", 200_000, "A drawer that is off by more is accepted by the owner alone."
        ),
        Choice("pay_out_limit_staff_minor", 100_000, "Staff take more out in a day with a second person."),
        Choice("drawer_forgotten_hours", 16, "Hours after which a drawer that is still open was forgotten.", 1, 168),
        Choice("reorder_lead_days", 7, "Days from order to delivery where neither product nor supplier says.", 0, 365),
        Choice("reorder_cover_days", 14, "Days of sales that an order brings beyond its delivery.", 1, 365),
        Choice("expense_limit_staff_minor", 0, "An expense of staff up to this needs no decision."),
        Choice("expense_limit_supervisor_minor", 0, "An expense of a supervisor up to this needs no decision."),
        Choice("budget_warn_bp", 8_000, "A budget of which so much is used is warned of, in basis points.", 1, 10_000),
        Choice("momo_pending_max_minor", 0, "Mobile money still coming that completes a sale, at most; 0 for none."),
        Choice("receipt_copies_staff", 0, "Copies of one receipt that staff print alone; 0 for any number.", 0, 100),
        Choice("repair_warranty_days", 30, "Days of warranty on a repair, from the day it is fetched.", 0, 3650),
        Choice("repair_water_warranty_days", 0, "The same where water was in the device.", 0, 3650),
        Choice("repair_diagnosis_fee_minor", 0, "Due where a device is given back without being mended."),
        Choice("repair_reminder_days", "3, 10, 21", "Days after a repair is ready on which its owner is reminded."),
        Choice("repair_unclaimed_days", 30, "Days after which what nobody fetched counts as unclaimed.", 1, 3650),
        Choice("repair_storage_free_days", 14, "Days for which a ready repair is kept for nothing.", 0, 3650),
        Choice("repair_storage_per_day_minor", 0, "Storage of a ready repair for each further day; 0 for none."),
        Choice("repair_storage_max_minor", 0, "The most that storage comes to; 0 for no limit."),
        Choice(
            "repair_disposal_days", 60, "Days between the final notice and disposal of what nobody fetched.", 1, 3650
        ),
        Choice("repair_terms", "We mend what is written here. Save your data yourself first.", "Printed on the slip."),
        Choice(
            "repair_terms_water",
            "Water was in it: other parts may still fail, and there is no warranty on them.",
            "Printed beside the terms where water was in the device.",
        ),
        Choice(
            "repair_terms_opened",
            "It was opened before: we answer for our own work alone.",
            "Printed beside the terms where somebody opened the device before.",
        ),
        Choice("language", "en", "The language of screens and papers.", options=("en",)),
        Choice("notice_keep_days", 90, "Days after which notices are forgotten.", 7, 730),
        Choice("message_in_hours", 1, "1: customers are sent messages while the shop is open, not at night.", 0, 1),
        Choice("receipt_header", "", "Printed on the receipt above what was bought."),
        Choice("receipt_thanks", "Thank you. Keep this receipt for your warranty.", "Last words on the receipt."),
    )
}

TEXT_MAX = 500


def _of_notice(kind: NoticeKind) -> tuple[Choice, ...]:
    roles = ",".join(role.value for role in Role if role in kind.roles)
    channels = ",".join(way.value for way in Channel if way in kind.channels)
    whom = (Choice(roles_key(kind), roles, f"{kind.help} Who is told.", options=tuple(Role), many=True),)
    how = Choice(channels_key(kind), channels, f"{kind.help} How it is told.", options=tuple(Channel), many=True)
    return (*(whom if kind.roles else ()), how)


CHOICES |= {choice.key: choice for kind in KINDS.values() for choice in _of_notice(kind)}
CHOICES |= {
    f"hours_{day}": Choice(f"hours_{day}", "08:00-20:00", f"From when to when the shop is open on {day.capitalize()}.")
    for day in DAYS
}


def read_setting(choice: Choice, given: int | str) -> int | str:
    """The value a setting would take. Raises ValueError, in words, when it is not of its type or out of its bounds."""
    if isinstance(choice.default, str):
        text = str(given)
        if choice.options:
            return _read_options(choice, text)
        if choice.key.startswith("hours_") and text and not _is_hours(text):
            raise ValueError(HOURS_LIKE)
        if len(text) > TEXT_MAX:
            raise ValueError(f"is too long, at most {TEXT_MAX} characters")
        return text
    if isinstance(given, str) and not (given.strip().isascii() and given.strip().isdigit()):
        raise ValueError("must be a whole number")
    number = int(given)
    if not choice.minimum <= number <= choice.maximum:
        raise ValueError(f"must be from {choice.minimum:,} to {choice.maximum:,}")
    return number


def _read_options(choice: Choice, text: str) -> str:
    words = [word.strip() for word in text.split(",") if word.strip()] if choice.many else [text.strip()]
    odd = [word for word in words if word not in choice.options]
    if odd:
        raise ValueError(f"must be {'some' if choice.many else 'one'} of {', '.join(choice.options)}")
    return ",".join(word for word in choice.options if word in words)


def _is_hours(text: str) -> bool:
    if not HOURS.fullmatch(text):
        return False
    opens, _, closes = text.partition("-")
    return opens < closes

"""The law of a ticket: totals, tenders, limits and what a sale's decisions add up to. Pure functions."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from shopnode.domain.money import share_bp, spread, vat_inside
from shopnode.domain.permissions import Role
from shopnode.domain.sales.models import DecisionKind, SaleStatus, Tender

METHOD_NAMES = {
    Tender.CASH: "Cash",
    Tender.MTN_MOMO: "MTN MoMo",
    Tender.AIRTEL_MONEY: "Airtel Money",
    Tender.CARD: "Card",
    Tender.BANK: "Bank",
    Tender.ON_ACCOUNT: "On account",
    Tender.STORE_CREDIT: "Store credit",
    Tender.POINTS: "Points",
    Tender.FINANCED: "Financed",
    Tender.TRADE_IN: "Trade-in",
    Tender.EXCHANGE: "Exchange",
    Tender.PLAN: "Paid before",
    Tender.ROUNDING: "Rounding",
}
NEEDS_REFERENCE = frozenset({Tender.MTN_MOMO, Tender.AIRTEL_MONEY})
_SPELLINGS = {
    "mtn": "mtn_momo", "momo": "mtn_momo", "mtn_mobile_money": "mtn_momo", "mtnmomo": "mtn_momo",
    "airtel": "airtel_money", "airtelmoney": "airtel_money", "bank_transfer": "bank", "visa": "card",
}  # fmt: skip


class LineSum(NamedTuple):
    """What a line needs to be added up. All amounts in minor units."""

    quantity: int
    unit_price_minor: int
    discount_minor: int
    tax_rate_bp: int
    cost_minor: int = 0
    margin_paid_minor: int | None = None  # what its seller was paid: VAT is on what is above it alone

    @property
    def net_minor(self) -> int:
        return self.quantity * self.unit_price_minor - self.discount_minor


@dataclass(frozen=True)
class Totals:
    """A ticket added up, in minor units; `items` in pieces."""

    items: int
    gross_minor: int
    discount_minor: int
    total_minor: int
    tax_minor: int
    cost_minor: int


def ticket_totals(lines: Sequence[LineSum], ticket_discount_minor: int) -> Totals:
    """Add a ticket up. Prices include VAT; the ticket's discount is spread over the lines before tax is taken out. Of a
    line that is taxed on its margin only the margin counts, and a loss lowers no other line's tax (docs/rules/vat.md).

    Raises ValueError when a discount is larger than what it is taken from.
    """
    nets = [line.net_minor for line in lines]
    if any(net < 0 for net in nets):
        raise ValueError("a line's discount is larger than the line")
    if ticket_discount_minor > sum(nets):
        raise ValueError("the discount is larger than the ticket")
    by_rate: dict[int, int] = defaultdict(int)
    for line, net, share in zip(lines, nets, spread(ticket_discount_minor, nets), strict=True):
        taxed = net - share if line.margin_paid_minor is None else max(0, net - share - line.margin_paid_minor)
        by_rate[line.tax_rate_bp] += taxed
    gross = sum(line.quantity * line.unit_price_minor for line in lines)
    total = sum(nets) - ticket_discount_minor
    return Totals(
        items=sum(line.quantity for line in lines),
        gross_minor=gross,
        discount_minor=gross - total,
        total_minor=total,
        tax_minor=sum(vat_inside(net, rate) for rate, net in by_rate.items()),
        cost_minor=sum(line.quantity * line.cost_minor for line in lines),
    )


def tender_named(text: str) -> Tender:
    """The tender a person or another program wrote. Raises ValueError for an unknown one."""
    word = re.sub(r"[\s-]+", "_", text.strip().lower())
    return Tender(_SPELLINGS.get(word, word))


def normal_reference(text: str | None) -> str | None:
    """A transaction id as it is compared: upper case, no blanks or dashes; None for an empty one.

    Raises ValueError for signs that no network uses: they would be a second spelling of one message.
    """
    word = re.sub(r"[\s\-_/]+", "", (text or ""))
    if not re.fullmatch(r"[!-~]*", word):
        raise ValueError("may hold letters without accents, digits and signs only")
    return word.upper() or None


@dataclass(frozen=True)
class Foreign:
    """Notes of another currency, at the rate of that moment (rule 49)."""

    currency: str
    amount_minor: int  # of that currency
    rate_minor: int  # of the shop's currency, for one whole unit of the other
    worth_minor: int  # of the shop's currency


def worth_of(amount_minor: int, rate_minor: int, places: int) -> int:
    """What foreign notes are worth in the shop's currency, rounded down. `places`: decimals of the other currency.

    Source: docs/rules/rounding.md.
    """
    one = int(10**places)
    return amount_minor * rate_minor // one


@dataclass(frozen=True)
class Fee:
    """What a network took for moving money, and who bears it (rule 43). It is no part of the amount."""

    amount_minor: int
    borne_by: str  # shop or customer


@dataclass(frozen=True)
class Handed:
    """One tender as the customer gave it."""

    method: Tender
    amount_minor: int
    reference: str | None
    about_id: str | None = None  # what a tender is about: a financier, for one
    foreign: Foreign | None = None
    fee: Fee | None = None
    state: str | None = None  # of money that is still coming: see MoneyState


@dataclass(frozen=True)
class Settled:
    """One tender as it is booked: `amount_minor` is net of change."""

    method: Tender
    amount_minor: int
    tendered_minor: int | None
    change_minor: int | None
    reference: str | None
    about_id: str | None = None
    foreign: Foreign | None = None
    fee: Fee | None = None
    state: str | None = None


class NotSettled(ValueError):
    """The tenders do not pay the ticket; the message says what is due or too much."""


def round_cash(due_minor: int, step_minor: int) -> int:
    """What is paid in cash where the smallest note is worth `step_minor` (0: no rounding), halves upward.

    What would round to nothing stays as it is: goods are not given away. Source: docs/rules/rounding.md.
    """
    if step_minor <= 1 or due_minor <= 0:
        return due_minor
    return (2 * due_minor + step_minor) // (2 * step_minor) * step_minor or due_minor


def settle(total_minor: int, handed: Sequence[Handed], rounding_minor: int = 0) -> list[Settled]:
    """Book the tenders against the total. Change comes from cash only; other tenders may not exceed what is due.

    rounding_minor  the smallest note: what is paid in cash is rounded to it, and the difference is a line of its own

    Raises NotSettled.
    """
    exact = sum(tender.amount_minor for tender in handed if tender.method is not Tender.CASH)
    cash = sum(tender.amount_minor for tender in handed if tender.method is Tender.CASH)
    if exact > total_minor:
        raise NotSettled(f"{exact - total_minor:,} more than is due was entered. Only cash gives change.")
    in_cash = total_minor - exact
    rounded = round_cash(in_cash, rounding_minor) if cash else in_cash
    change = cash - rounded
    if change < 0:
        raise NotSettled(f"{-change:,} is still to be paid.")
    booked = []
    for tender in handed:
        if tender.method is not Tender.CASH:
            told = tender.reference, tender.about_id, None, tender.fee, tender.state
            booked.append(Settled(tender.method, tender.amount_minor, None, None, *told))
            continue
        back = min(change, tender.amount_minor)
        change -= back
        net = tender.amount_minor - back
        booked.append(Settled(Tender.CASH, net, tender.amount_minor, back, tender.reference, foreign=tender.foreign))
    if in_cash != rounded:
        booked.append(Settled(Tender.ROUNDING, in_cash - rounded, None, None, None))
    return [tender for tender in booked if tender.amount_minor or tender.tendered_minor]


def refund_tenders(
    net: Mapping[tuple[str, str | None], int], amount_minor: int, rounding_minor: int = 0
) -> list[Settled]:
    """How a refund leaves: by the tenders the money came by, the largest first; what was given back before counts
    against cash, then against the others. `net` is what was paid less refunds, by method and reference.

    Cash leaves in whole notes: all of it as it came in, a part of it rounded, with the difference as its own line.
    """
    rounded_off = net.get((Tender.ROUNDING.value, None), 0)
    whole = {key: value for key, value in net.items() if key[0] != Tender.ROUNDING}
    if rounded_off:
        cash = (Tender.CASH.value, None)
        whole[cash] = whole.get(cash, 0) + rounded_off
    in_cash = whole.get((Tender.CASH.value, None), 0)
    tenders = []
    for part in _refund_exactly(whole, amount_minor):
        cash_minor = part.amount_minor
        if part.method is Tender.CASH:
            all_of_it = cash_minor == in_cash and rounded_off
            cash_minor = cash_minor - rounded_off if all_of_it else round_cash(cash_minor, rounding_minor)
            if part.amount_minor <= in_cash:  # many small parts, each rounded up, come to no more than was paid
                cash_minor = max(0, min(cash_minor, net.get((Tender.CASH.value, None), 0)))
        if cash_minor:
            tenders.append(replace(part, amount_minor=cash_minor))
        if cash_minor != part.amount_minor:
            tenders.append(Settled(Tender.ROUNDING, part.amount_minor - cash_minor, None, None, None))
    return tenders


def _refund_exactly(net: Mapping[tuple[str, str | None], int], amount_minor: int) -> list[Settled]:
    left = {key: value for key, value in net.items() if value > 0}
    taken = -sum(value for value in net.values() if value < 0)
    by_cash_first = sorted(left, key=lambda key: (key[0] != Tender.CASH, -left[key], key[1] or ""))
    for key in by_cash_first:
        used = min(taken, left[key])
        left[key] -= used
        taken -= used
    tenders = []
    for method, reference in sorted(left, key=lambda key: (-left[key], key[0], key[1] or "")):
        part = min(amount_minor, left[method, reference])
        amount_minor -= part
        if part:
            tenders.append(Settled(Tender(method), part, None, None, reference))
    if amount_minor:
        tenders.append(Settled(Tender.CASH, amount_minor, None, None, None))
    return tenders


@dataclass(frozen=True)
class PriceCheck:
    """One line's price against its limits, per piece and after every discount."""

    name: str
    quantity: int
    net_minor: int  # of the whole line
    list_minor: int  # of one piece
    floor_minor: int
    cost_minor: int
    is_custom: bool = False
    tag_minor: int = 0  # what its product costs, where the piece itself is marked cheaper


def price_objection(role: Role, line: PriceCheck, limits: dict[str, int]) -> str | None:
    """Why this line needs a second person, or None.

    Bargaining is normal: staff may go down to the product's floor (or, without one, by their percentage); a
    supervisor as far, with a percentage of their own, and never below the cost; with a floor down to the cost; the
    owner as they like. A custom line above its limit needs a second person. A piece that is marked cheaper than its
    product is no second discount: see `tag_minor`.
    Source: docs/rules/discounts.md.
    """
    if role is Role.OWNER:
        return None
    if line.is_custom:
        limit = limits["custom_line_limit_minor"]
        return (
            f"“{line.name}” is not in the catalogue and costs more than {limit:,}." if line.net_minor > limit else None
        )
    if line.net_minor >= line.quantity * line.list_minor:
        return None
    if line.tag_minor:
        marked = replace(line, net_minor=line.quantity * line.list_minor, list_minor=line.tag_minor, tag_minor=0)
        if price_objection(role, marked, limits) is None:  # they might have marked it: it is part of what they give
            line = replace(line, list_minor=line.tag_minor, tag_minor=0)
    if role is Role.SUPERVISOR and line.net_minor < line.quantity * line.cost_minor:
        return f"“{line.name}” would be sold below what it cost."
    if line.floor_minor:
        below = role is Role.STAFF and line.net_minor < line.quantity * line.floor_minor
        return f"“{line.name}” is below its lowest price of {line.floor_minor:,}." if below else None
    given = line.quantity * line.list_minor - line.net_minor
    rate_bp = limits["discount_limit_staff_bp" if role is Role.STAFF else "discount_limit_supervisor_bp"]
    allowed = share_bp(line.quantity * line.list_minor, rate_bp)
    return f"The discount on “{line.name}” is more than you may give alone." if given > allowed else None


def discount_objection(role: Role, given_minor: int, limits: dict[str, int]) -> str | None:
    """Why what a whole ticket gives off the list prices needs a second person, or None. A limit of 0 is none."""
    if role is Role.OWNER:
        return None
    limit = limits["discount_max_staff_minor" if role is Role.STAFF else "discount_max_supervisor_minor"]
    return f"{given_minor:,} off one ticket is more than {limit:,}." if limit and given_minor > limit else None


_FOLD = {
    DecisionKind.APPROVE: SaleStatus.APPROVED,
    DecisionKind.REJECT: SaleStatus.REJECTED,
    DecisionKind.LOCK: SaleStatus.LOCKED,
    DecisionKind.UNLOCK: SaleStatus.APPROVED,
    DecisionKind.VOID: SaleStatus.VOIDED,
    DecisionKind.REVERSE: SaleStatus.REVERSED,
}
UNDONE = frozenset({SaleStatus.VOIDED, SaleStatus.REVERSED})


def fold_status(kinds: Iterable[str]) -> SaleStatus:
    """What a sale's decisions, in feed order, add up to. Undone stays undone; else the latest decision holds."""
    status = SaleStatus.SUBMITTED
    for kind in kinds:
        if status in UNDONE:
            break
        status = _FOLD[DecisionKind(kind)]
    return status


def in_feed_order(rows: Iterable[Any]) -> list[Any]:
    """Decisions or amendments in the order that holds everywhere: the feed's; what was not yet sent comes last."""
    return sorted(rows, key=lambda row: (row.feed_no is None, row.feed_no or 0, row.nth, row.at, row.id))

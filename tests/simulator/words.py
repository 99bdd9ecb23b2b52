"""What the words of an act promise: money handed over or given back, and what a customer owes or has by it.

Read from the form that somebody filled in and the answer they were shown, never from what was recorded: the recorded
rows are held against it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Words = Mapping[str, Any]

ACCOUNTS = ("on_account", "store_credit")
NOT_MONEY = frozenset({*ACCOUNTS, "points", "trade_in", "exchange", "plan", "financed"})


@dataclass(frozen=True)
class Expected:
    """What people themselves reckoned before they pressed the button."""

    total: int | None = None  # of the ticket
    pieces: Mapping[str, int] = field(default_factory=dict)  # by product: onto the shelf (+) and off it (−)
    others_may_move: bool = False  # they reckoned for these products alone


@dataclass(frozen=True)
class Promised:
    """What an act comes to, in minor units."""

    money: int = 0  # into drawers and wallets (+), out of them (−)
    owed: int = 0  # we owe the customer more, or they owe us less (+); the other way round (−)


def promised(action: str, form: Words, result: Words) -> Promised | None:
    """What was said; None for an act that says nothing about money."""
    if action == "plans.open":
        return _opened(form, result)
    said = _SAID.get(action)
    return said(form, result) if said else None


def recorded(inserts: Iterable[tuple[str, Words]]) -> tuple[Promised, Counter[str]]:
    """What the rows of an entry come to: money and accounts, and pieces by product."""
    money = owed = 0
    pieces: Counter[str] = Counter()
    for entity, row in inserts:
        if entity == "money_move" or (entity == "payment" and row["kind"] != "refund_due"):
            money += 0 if row["method"] in NOT_MONEY else row["amount_minor"]
        elif entity == "account_entry" and row["account"] != "points":
            owed += row["amount"] if row["account"] == "store_credit" else -row["amount"]
        elif entity == "stock_movement":
            pieces[row["product_id"]] += row["quantity"]
    return Promised(money, owed), pieces


def odd_sums(action: str, result: Words) -> str | None:
    """A sum in the answer itself that does not come out (rules 18, 41 and 54)."""
    if action == "usedphones.trade_in":
        return _unequal("the total", result["total"], result["traded_in"] + result["due"])
    if action == "returns.take_back":
        return _unequal("the refund", result["refund"], sum(part["amount"] for part in result["paid_back"]))
    if action == "returns.exchange":
        return _unequal("the total", result["total"], result["exchanged"] + result["due"])
    if action == "repairs.deliver":
        kept = result["paid_before"] - result["given_back"]
        return "more went back than was paid too much" if kept != min(result["total"], result["paid_before"]) else None
    if action == "accounts.take_payment":
        return _unequal("the payment", result["paid"], result["applied"] + result["to_store_credit"])
    return None


def _unequal(name: str, says: int, parts: int) -> str | None:
    return None if says == parts else f"{name} is {says:,}, and its parts come to {parts:,}"


def _by(payments: Iterable[Words]) -> int:
    """What of these tenders is put down to the customer's accounts."""
    return sum(part["amount"] for part in payments if part["method"] in ACCOUNTS)


def _back(paid_back: Iterable[Words]) -> Promised:
    """Money and account of what is given back."""
    parts = list(paid_back)
    money = sum(part["amount"] for part in parts if part["method"] not in NOT_MONEY)
    return Promised(-money, _by(parts))


def _sold(form: Words, result: Words) -> Promised:
    on_accounts = _by(form["payments"])
    return Promised(result["total"] - on_accounts, -on_accounts)


def _traded_in(form: Words, result: Words) -> Promised:
    on_accounts = _by(form["sale"]["payments"])
    return Promised(result["due"] - on_accounts - (form["phone"]["offer"] - result["traded_in"]), -on_accounts)


def _taken_back(form: Words, result: Words) -> Promised:
    return _back(result["paid_back"])


def _exchanged(form: Words, result: Words) -> Promised:
    on_accounts, back = _by(form["sale"]["payments"]), _back(result["paid_back"])
    return Promised(result["due"] - on_accounts + back.money, back.owed - on_accounts)


def _corrected(form: Words, result: Words) -> Promised:
    return Promised(0, form["amount"] if form["account"] == "store_credit" else -form["amount"])


def _opened(form: Words, result: Words) -> Promised:
    """A deposit; goods on instalments leave at once, and the rest of their price is owed."""
    deposit = sum(part["amount"] for part in form["payments"])
    return Promised(deposit, deposit - result["total"] if form["kind"] == "instalment" else 0)


def _paid(form: Words, result: Words) -> Promised:
    return Promised(form["amount"], 0)


def _paid_on_account(form: Words, result: Words) -> Promised:
    return Promised(form["amount"], form["amount"])


def _taken_out(form: Words, result: Words) -> Promised:
    return Promised(-form["amount"], 0)


def _given_back(form: Words, result: Words) -> Promised:
    """In money where a way was named, and otherwise as store credit."""
    return Promised(-form["amount"]) if form.get("method") else Promised(0, form["amount"])


def _handed_over(form: Words, result: Words) -> Promised:
    """What was still due is paid; what was paid too much goes back."""
    paid, back = sum(part["amount"] for part in form.get("payments", ())), result["given_back"]
    return Promised(paid - back) if form.get("refund_method") else Promised(paid, back)


_SAID: dict[str, Callable[[Words, Words], Promised]] = {
    "sales.sell": _sold,
    "usedphones.trade_in": _traded_in,
    "usedphones.buy": lambda form, result: Promised(-form["offer"]),
    "usedphones.reverse": lambda form, result: Promised(result["received"]),
    "returns.take_back": _taken_back,
    "returns.exchange": _exchanged,
    "accounts.take_payment": _paid_on_account,
    "accounts.use_store_credit": lambda form, result: Promised(),
    "accounts.sell_store_credit": _paid_on_account,
    "accounts.pay_out_store_credit": lambda form, result: Promised(-form["amount"], -form["amount"]),
    "accounts.correct": _corrected,
    "plans.pay": _paid,
    "plans.complete": lambda form, result: Promised(sum(part["amount"] for part in form["payments"])),
    "plans.cancel": lambda form, result: Promised(-result["given_back"], result["to_store_credit"]),
    "plans.forfeit": lambda form, result: Promised(0, result["to_store_credit"]),
    "repairs.take_in": lambda form, result: Promised(sum(part["amount"] for part in form.get("deposit", ()))),
    "repairs.give_back": _given_back,
    "repairs.deliver": _handed_over,
    "repairs.charge_loaner": lambda form, result: Promised(form["amount"]),
    "repairs.use_part": lambda form, result: Promised(),
    "repairs.return_part": lambda form, result: Promised(),
    "cash.pay_in": _paid,
    "cash.take_from_safe": _paid,
    "cash.pay_out": _taken_out,
    "cash.drop_to_safe": _taken_out,
    "cash.deposit_at_bank": _taken_out,
    "cash.close_drawer": lambda form, result: Promised(),
    "suppliers.pay": lambda form, result: Promised(-form["amount_minor"]),
    "goods.receive": lambda form, result: Promised(),
    "transfers.send": lambda form, result: Promised(),
    "transfers.receive": lambda form, result: Promised(),
    "transfers.take_back": lambda form, result: Promised(),
    "stocktakes.approve": lambda form, result: Promised(),
}

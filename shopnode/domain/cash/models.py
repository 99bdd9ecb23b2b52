"""A drawer session, from the float that was counted in to the count that closes it, and money that no sale brought."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import CheckConstraint, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from shopnode.domain.db import Id, Kind, LocalDate, MinorUnits, Stream, Sync, SyncedRow, UtcTime, look_up, one_of


class MoneyKind(StrEnum):
    """Why money moved, beside sales."""

    ACCOUNT_PAYMENT = "account_payment"  # + a customer pays what they owe
    STORE_CREDIT = "store_credit"  # + a gift card sold; − store credit paid out
    PLAN_PAYMENT = "plan_payment"  # + layaway and instalments; − given back
    UNALLOCATED = "unallocated"  # + received and nobody knows what for; − sent back
    USED_PHONE = "used_phone"  # − paid to whoever sold us a phone; + given back
    SUPPLIER = "supplier"  # − paid to a supplier; + given back
    FINANCIER = "financier"  # + a financier settles
    COUNTERFEIT = "counterfeit"  # − a note in the drawer that is no money; its note holds the serial
    PAY_IN = "pay_in"  # + put into the drawer
    PAY_OUT = "pay_out"  # − taken out of it
    SAFE_DROP = "safe_drop"  # − from the drawer into the safe; + back
    BANK_DEPOSIT = "bank_deposit"  # − brought to the bank
    EXPENSE = "expense"  # − an expense that was approved
    REPAIR = "repair"  # + deposits and payments of a repair; − given back
    STAFF = "staff"  # − an advance, a commission paid; + paid back


class DrawerSession(SyncedRow):
    """One till's drawer, open from `opened_at` until `closed_at`. Its business day never changes."""

    __tablename__ = "drawer_session"
    __table_args__ = (
        CheckConstraint("opening_float_minor >= 0", name="float_not_negative"),
        look_up("drawer_session", "closed_at"),
    )
    __sync__ = Sync(Kind.HOLDING, Stream.SHOP)

    shop_id: Mapped[Id]
    opened_by: Mapped[Id | None]
    opened_at: Mapped[UtcTime]
    opening_float_minor: Mapped[MinorUnits]
    business_on: Mapped[LocalDate]
    closed_at: Mapped[UtcTime | None]
    closed_by: Mapped[Id | None]
    counted_minor: Mapped[MinorUnits | None]
    expected_minor: Mapped[MinorUnits | None]  # what the events said when it was counted
    notes: Mapped[str | None] = mapped_column(Text)
    till: Mapped[str | None] = mapped_column(String(20), info={"since": 3})
    cashier_id: Mapped[Id | None] = mapped_column(info={"since": 3})  # who answers for it now; None: who opened it
    handed_from_id: Mapped[Id | None] = mapped_column(info={"since": 3})  # the session it was handed over from
    explanation: Mapped[str | None] = mapped_column(Text, info={"since": 3})  # of a difference
    approved_by: Mapped[Id | None] = mapped_column(info={"since": 3})  # the second person, for a large difference

    @property
    def is_open(self) -> bool:
        return self.closed_at is None


class MoneyMove(SyncedRow):
    """Money in (+) or out (−) that belongs to no sale. Cash names the drawer session; other money its reference."""

    __tablename__ = "money_move"
    __table_args__ = (
        one_of("kind", MoneyKind),
        look_up("money_move", "drawer_session_id"),
        look_up("money_move", "method", "reference"),
        look_up("money_move", "about_id"),
        look_up("money_move", "customer_id"),
        look_up("money_move", "at"),
        look_up("money_move", "kind", "at"),
    )
    __sync__ = Sync(Kind.FACT, Stream.SHOP, since=3)

    shop_id: Mapped[Id]
    kind: Mapped[str] = mapped_column(String(20))
    method: Mapped[str] = mapped_column(String(20))  # one of sales.MONEY
    amount_minor: Mapped[MinorUnits]
    reference: Mapped[str | None] = mapped_column(String(60))  # the network's transaction id, normalised
    number: Mapped[str | None] = mapped_column(String(40))  # KLA1-M000031, on the slip
    drawer_session_id: Mapped[Id | None]
    about_id: Mapped[Id | None]  # the plan, purchase, supplier or financier
    customer_id: Mapped[Id | None]
    fee_minor: Mapped[MinorUnits | None]  # what the network took
    fee_borne_by: Mapped[str | None] = mapped_column(String(20))  # shop or customer
    note: Mapped[str | None]
    photo: Mapped[str | None] = mapped_column(String(64))  # of the slip: SHA-256 of its bytes
    at: Mapped[UtcTime]
    by_id: Mapped[Id | None]


class ForeignCash(SyncedRow):
    """Notes of another currency that were taken for a payment, at the rate of that moment. Counted apart (rule 49)."""

    __tablename__ = "foreign_cash"
    __table_args__ = (
        CheckConstraint("amount_minor > 0 AND rate_minor > 0", name="positive"),
        look_up("foreign_cash", "drawer_session_id"),
        look_up("foreign_cash", "payment_id"),
    )
    __sync__ = Sync(Kind.FACT, Stream.SHOP, since=3)

    shop_id: Mapped[Id]
    payment_id: Mapped[Id]  # a Payment or a MoneyMove
    drawer_session_id: Mapped[Id | None]
    currency: Mapped[str] = mapped_column(String(3))
    amount_minor: Mapped[MinorUnits]  # of that currency
    rate_minor: Mapped[MinorUnits]  # of the shop's currency, for one whole unit of the other
    worth_minor: Mapped[MinorUnits]  # of the shop's currency
    at: Mapped[UtcTime]

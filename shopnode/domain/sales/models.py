"""A submitted sale never changes. What comes later are facts of their own: amendments, decisions, refunds.

Invariants:
  * Lines and payments belong to the sale or to one amendment of it; the newest amendment that carries lines
    replaces the lines before it.
  * Name, price, tax, cost and warranty are copied on the line: a later edit of the catalogue changes no history.
  * `SaleSummary` is derived: totals and state, the same on both sides. Totals never travel.
"""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import BigInteger, Boolean, CheckConstraint, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from shopnode.domain.db import (
    BasisPoints,
    DerivedRow,
    Id,
    Kind,
    LocalDate,
    LocalRow,
    MinorUnits,
    Stream,
    Sync,
    SyncedRow,
    UtcTime,
    look_up,
    look_up_few,
    one_of,
    refs,
)


class Tender(StrEnum):
    """How money changes hands."""

    CASH = "cash"
    MTN_MOMO = "mtn_momo"
    AIRTEL_MONEY = "airtel_money"
    CARD = "card"
    BANK = "bank"
    ON_ACCOUNT = "on_account"  # owed by the customer, see accounts
    STORE_CREDIT = "store_credit"
    POINTS = "points"
    FINANCED = "financed"  # owed by a financier
    TRADE_IN = "trade_in"  # a used phone bought in the same ticket
    EXCHANGE = "exchange"  # goods returned in the same ticket
    PLAN = "plan"  # paid before, bit by bit
    ROUNDING = "rounding"  # of cash, to the smallest note: its own line, either sign


# What is counted or seen on a statement at the end of the day; the others move no money.
MONEY = frozenset({Tender.CASH, Tender.MTN_MOMO, Tender.AIRTEL_MONEY, Tender.CARD, Tender.BANK})


class PaymentKind(StrEnum):
    PAYMENT = "payment"
    REFUND = "refund"
    REFUND_DUE = "refund_due"  # decided in the portal: owed, not yet paid out
    CORRECTION = "correction"  # the same money under its right tender or reference


class MoneyState(StrEnum):
    """How far money of a network has come (rule 40)."""

    INITIATED = "initiated"  # the customer was asked on their phone
    PENDING = "pending"  # they say that it is sent
    CONFIRMED = "confirmed"
    FAILED = "failed"
    REVERSED = "reversed"  # it had come, and the network took it back


class CounterEventKind(StrEnum):
    LINE_REMOVED = "line_removed"  # after the customer had seen the sum
    CART_GIVEN_UP = "cart_given_up"  # with phones in it
    REPRINTED = "reprinted"
    NO_SALE = "no_sale"  # the drawer was opened, and why


class DecisionKind(StrEnum):
    APPROVE = "approve"
    REJECT = "reject"
    LOCK = "lock"
    UNLOCK = "unlock"
    VOID = "void"
    REVERSE = "reverse"


class Restock(StrEnum):
    """Where the goods of an undone sale go."""

    RESELL = "resell"
    INSPECT = "inspect"
    SCRAP = "scrap"


class SaleStatus(StrEnum):
    SUBMITTED = "Submitted"
    APPROVED = "Approved"
    REJECTED = "Rejected"
    LOCKED = "Locked"
    VOIDED = "Voided"
    REVERSED = "Reversed"


class Sale(SyncedRow):
    """One ticket. Its number is gapless within its series and never used again."""

    __tablename__ = "sale"
    __table_args__ = (
        CheckConstraint("discount_minor >= 0", name="discount_not_negative"),
        look_up("sale", "number"),
        look_up("sale", "customer_id"),
    )
    __sync__ = Sync(Kind.FACT, Stream.SHOP)

    shop_id: Mapped[Id]
    number: Mapped[str] = mapped_column(String(40))  # KLA1-000123
    drawer_session_id: Mapped[Id | None]
    customer_id: Mapped[Id | None]
    cashier_id: Mapped[Id | None]  # who took the money
    seller_id: Mapped[Id | None]  # who sold; the cashier unless named
    discount_minor: Mapped[MinorUnits]  # off the whole ticket, beside what the lines give
    notes: Mapped[str | None] = mapped_column(Text)
    business_on: Mapped[LocalDate]
    sold_at: Mapped[UtcTime]


class SaleLine(SyncedRow):
    """One line, as it was at that moment."""

    __tablename__ = "sale_line"
    __table_args__ = (
        *refs("sale_id:sale"),
        CheckConstraint("quantity > 0", name="quantity_positive"),
        look_up("sale_line", "sale_id"),
        look_up("sale_line", "product_id"),
        look_up("sale_line", "unit_id"),
    )
    __sync__ = Sync(Kind.FACT, Stream.SHOP)

    sale_id: Mapped[Id]
    shop_id: Mapped[Id]
    amendment_id: Mapped[Id | None]
    line_no: Mapped[int]
    product_id: Mapped[Id | None]  # None for a custom line
    unit_id: Mapped[Id | None]
    item_name: Mapped[str] = mapped_column(String(200))
    category: Mapped[str | None] = mapped_column(String(100))  # of a custom line; others have their product's
    quantity: Mapped[int]
    unit_price_minor: Mapped[MinorUnits]
    list_price_minor: Mapped[MinorUnits]  # what the catalogue said
    discount_minor: Mapped[MinorUnits]
    cost_minor: Mapped[MinorUnits]  # of one piece
    tax_rate_bp: Mapped[BasisPoints]
    warranty_days: Mapped[int]
    imei: Mapped[str | None] = mapped_column(String(60))
    seller_id: Mapped[Id | None] = mapped_column(info={"since": 3})  # who sold this line; the sale's seller if None
    warranty_terms: Mapped[str | None] = mapped_column(Text, info={"since": 3})
    # What the person was paid whom a used phone was bought from: VAT is on the margin above it. None: on all of it.
    margin_paid_minor: Mapped[MinorUnits | None] = mapped_column(info={"since": 3})


class Payment(SyncedRow):
    """Money in (+) or out (−) for a sale. `amount_minor` is net: change is already off it."""

    __tablename__ = "payment"
    __table_args__ = (
        *refs("sale_id:sale"),
        one_of("kind", PaymentKind),
        one_of("method", Tender),
        look_up("payment", "sale_id"),
        look_up("payment", "method", "reference"),
        look_up("payment", "drawer_session_id"),
        look_up_few("payment", "state", "at"),
    )
    __sync__ = Sync(Kind.FACT, Stream.SHOP)

    sale_id: Mapped[Id]
    shop_id: Mapped[Id]
    amendment_id: Mapped[Id | None]
    kind: Mapped[str] = mapped_column(String(20))
    method: Mapped[str] = mapped_column(String(20))
    amount_minor: Mapped[MinorUnits]
    tendered_minor: Mapped[MinorUnits | None]  # cash handed over
    change_minor: Mapped[MinorUnits | None]
    reference: Mapped[str | None] = mapped_column(String(60))  # the network's transaction id, normalised
    drawer_session_id: Mapped[Id | None]
    at: Mapped[UtcTime]
    by_id: Mapped[Id | None]
    state: Mapped[str | None] = mapped_column(String(20), info={"since": 3})  # see MoneyState; None: it has come
    fee_minor: Mapped[MinorUnits | None] = mapped_column(info={"since": 3})  # what the network took
    fee_borne_by: Mapped[str | None] = mapped_column(String(20), info={"since": 3})  # shop or customer


class PaymentOutcome(SyncedRow):
    """What became of money that was promised by a network when the goods left (rule 40): a fact beside the payment.

    The first one admitted stands; a reversal may follow a confirmation.
    """

    __tablename__ = "payment_outcome"
    __table_args__ = (
        *refs("payment_id:payment", "sale_id:sale"),
        one_of("state", MoneyState),
        look_up("payment_outcome", "payment_id"),
        look_up("payment_outcome", "sale_id"),
        look_up("payment_outcome", "method", "reference"),
    )
    __sync__ = Sync(Kind.FACT, Stream.SHOP, since=3)

    payment_id: Mapped[Id]
    sale_id: Mapped[Id]
    shop_id: Mapped[Id]
    state: Mapped[str] = mapped_column(String(20))
    method: Mapped[str] = mapped_column(String(20))
    reference: Mapped[str | None] = mapped_column(String(60))  # the network's transaction id, normalised
    note: Mapped[str | None]
    at: Mapped[UtcTime]
    by_id: Mapped[Id | None]


class CounterEvent(SyncedRow):
    """What happened at the counter, moved nothing, and is told all the same (rules 31 and 33)."""

    __tablename__ = "counter_event"
    __table_args__ = (
        one_of("kind", CounterEventKind),
        look_up("counter_event", "at"),
        look_up("counter_event", "sale_id"),
    )
    __sync__ = Sync(Kind.FACT, Stream.SHOP, since=3)

    shop_id: Mapped[Id]
    kind: Mapped[str] = mapped_column(String(20))
    sale_id: Mapped[Id | None]  # whose receipt was printed again
    copy_no: Mapped[int | None]  # COPY n
    item_name: Mapped[str | None] = mapped_column(String(200))
    imei: Mapped[str | None] = mapped_column(String(60))
    quantity: Mapped[int | None]
    amount_minor: Mapped[MinorUnits | None]
    note: Mapped[str | None]
    at: Mapped[UtcTime]
    by_id: Mapped[Id | None]


class SaleAmendment(SyncedRow):
    """A later correction of a sale, with its reason. Columns that are None stay as they were."""

    __tablename__ = "sale_amendment"
    __table_args__ = (*refs("sale_id:sale"), look_up("sale_amendment", "sale_id"))
    __sync__ = Sync(Kind.FACT, Stream.SHOP, derived=frozenset({"feed_no"}))

    sale_id: Mapped[Id]
    shop_id: Mapped[Id]
    reason: Mapped[str]
    customer_id: Mapped[Id | None]
    notes: Mapped[str | None] = mapped_column(Text)
    discount_minor: Mapped[MinorUnits | None]
    replaces_lines: Mapped[bool] = mapped_column(Boolean)
    at: Mapped[UtcTime]
    by_id: Mapped[Id | None]
    nth: Mapped[int]  # how many its writer knew of this sale, itself included: orders them before the feed does
    feed_no: Mapped[int | None] = mapped_column(BigInteger)


class SaleDecision(SyncedRow):
    """Approve, reject, lock, unlock, void or reverse. What holds is a fold over these in feed order (rules.py)."""

    __tablename__ = "sale_decision"
    __table_args__ = (
        *refs("sale_id:sale"),
        one_of("kind", DecisionKind),
        look_up("sale_decision", "sale_id"),
        look_up("sale_decision", "kind", "at"),
    )
    __sync__ = Sync(Kind.DECISION, Stream.SHOP, derived=frozenset({"feed_no"}))

    sale_id: Mapped[Id]
    shop_id: Mapped[Id]
    kind: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str | None]
    restock: Mapped[str | None] = mapped_column(String(20))
    at: Mapped[UtcTime]
    by_id: Mapped[Id | None]
    nth: Mapped[int]  # how many its writer knew of this sale, itself included: orders them before the feed does
    feed_no: Mapped[int | None] = mapped_column(BigInteger)


class SaleSummary(DerivedRow):
    """Totals and state of one sale, computed from its rows on both sides."""

    __tablename__ = "sale_summary"
    __table_args__ = (
        look_up("sale_summary", "sold_at", "sale_id"),
        look_up("sale_summary", "seller_id", "sold_at"),
        look_up("sale_summary", "business_on"),
        look_up("sale_summary", "status", "sold_at", "sale_id", only="status <> 'Submitted'"),
        look_up_few("sale_summary", "customer_id", "sold_at"),
        look_up("sale_summary", "total_minor"),
    )

    sale_id: Mapped[Id] = mapped_column(primary_key=True)
    shop_id: Mapped[Id]
    number: Mapped[str] = mapped_column(String(40))
    sold_at: Mapped[UtcTime]
    business_on: Mapped[LocalDate]
    cashier_id: Mapped[Id | None]
    seller_id: Mapped[Id | None]
    customer_id: Mapped[Id | None]
    status: Mapped[str] = mapped_column(String(20))
    items: Mapped[int]  # pieces
    gross_minor: Mapped[MinorUnits]  # before any discount
    discount_minor: Mapped[MinorUnits]  # lines' and ticket's together
    total_minor: Mapped[MinorUnits]  # what the customer owes
    tax_minor: Mapped[MinorUnits]  # VAT inside the total
    cost_minor: Mapped[MinorUnits]
    paid_minor: Mapped[MinorUnits]  # payments less refunds
    methods: Mapped[str] = mapped_column(String(200))  # tenders used, comma separated
    approved_by: Mapped[Id | None]
    approved_at: Mapped[UtcTime | None]
    locked_at: Mapped[UtcTime | None]
    amendments: Mapped[int]


class Cart(LocalRow):
    """A ticket being made: kept here, not in the browser, so that it survives a power cut and moves between tablets."""

    __tablename__ = "cart"

    id: Mapped[Id] = mapped_column(primary_key=True)
    staff_id: Mapped[Id | None]
    body: Mapped[str] = mapped_column(Text)  # JSON of counter cart, see sales/carts.py
    label: Mapped[str | None] = mapped_column(String(200))
    parked_at: Mapped[UtcTime | None]
    updated_at: Mapped[UtcTime]

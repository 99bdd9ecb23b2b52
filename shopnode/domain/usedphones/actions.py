"""Buying a phone from a person, and giving it back.

Invariants:
  * Nothing is paid before everything was asked: the checks, the locks, the seller's identity, the table.
  * What is paid leaves by `move_money`, from the open drawer or a wallet, or is a tender of a sale (`trade_in.py`).
  * Who the seller is goes into the vault and nowhere else: not into the journal's result, not into a note.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from shopnode.domain.actions import action
from shopnode.domain.capture import add_rows, insert_rows
from shopnode.domain.cash.models import MoneyKind
from shopnode.domain.cash.moves import move_money
from shopnode.domain.catalogue.queries import find_product
from shopnode.domain.clock import act_id
from shopnode.domain.context import Context
from shopnode.domain.customers.queries import find_customer
from shopnode.domain.errors import Conflict, Invalid
from shopnode.domain.handsets.actions import ReceiveHandset, receive_handset
from shopnode.domain.handsets.errors import STATUS_WORDS
from shopnode.domain.handsets.models import Condition, StockUnit, UnitStatus, VatScheme
from shopnode.domain.handsets.numbers import read_numbers
from shopnode.domain.handsets.rules import bare_number, grade_in
from shopnode.domain.handsets.states import own_unit, turn
from shopnode.domain.numbers import Document, next_document_number
from shopnode.domain.people.telephone import register_figures
from shopnode.domain.permissions import Permission, Role
from shopnode.domain.photos.rules import UnusablePhoto, make_photo
from shopnode.domain.queries import find_row, row_or_none
from shopnode.domain.settings.queries import number_setting
from shopnode.domain.stock.models import MovementKind
from shopnode.domain.usedphones import rules, vault
from shopnode.domain.usedphones.checks import check_before_paying
from shopnode.domain.usedphones.models import SellerIdentity, UsedPurchase, UsedPurchaseReversal
from shopnode.domain.usedphones.params import BuyPhone, Payout, ReversePurchase, Seller, UsedPhone
from shopnode.domain.usedphones.valuations import table_value

GIVEN_BACK_FROM = (UnitStatus.IN_STOCK, UnitStatus.INSPECT, UnitStatus.BENCH)


class PurchaseReversed(Conflict):
    code = "purchase-reversed"

    def __init__(self, number: str):
        super().__init__(f"Purchase {number} was taken back already.")


class PhoneMovedOn(Conflict):
    """The phone is not ours to give back any more, or not here."""

    code = "phone-moved-on"

    def __init__(self, number: str, status: str):
        super().__init__(
            f"Purchase {number} cannot be taken back: its phone is {STATUS_WORDS[status]}. "
            "Only a phone that stands here unsold goes back to its seller."
        )


@dataclass(frozen=True)
class Offer:
    """A phone that was looked at and may be bought at this price."""

    purchase_id: str
    number: str  # of the agreement
    grade: str
    valued_minor: int
    network_lock: str | None
    notes: list[str]


@action("usedphones.buy", needs=Permission.USED_BUY)
def buy(ctx: Context, form: BuyPhone) -> dict[str, Any]:
    """Buy a phone from a person: checked, valued, into stock and held back, and paid out.

    Raises Invalid, PhoneBlocked, PhoneOnPlan, AlreadyInStock, ApprovalNeeded, DrawerClosed, ReferenceUsed.
    """
    offer = weigh(ctx, form)
    bought = take_in(ctx, form, offer)
    paid_out = pay_out(ctx, form.payout, form.offer, offer)
    return {**bought, "paid_out": form.offer, "slip": paid_out}


@action("usedphones.reverse", needs=Permission.USED_BUY)
def reverse_purchase(ctx: Context, form: ReversePurchase) -> dict[str, Any]:
    """Give a phone back to its seller and take the money back; what was spent on it stays as loss (rule 22).

    Raises PurchaseReversed, PhoneMovedOn, ApprovalNeeded, DrawerClosed, ReferenceUsed, NotFound.
    """
    purchase = find_row(ctx.session, UsedPurchase, form.purchase_id, "This purchase")
    reversal_id = act_id("used-reversal", purchase.id)
    if row_or_none(ctx.session, UsedPurchaseReversal, reversal_id) is not None:
        raise PurchaseReversed(purchase.number)
    unit = _stay_of(ctx, purchase)
    if unit.status not in GIVEN_BACK_FROM:
        raise PhoneMovedOn(purchase.number, unit.status)
    if ctx.actor.role is Role.STAFF:
        ctx.require_approval(f"A phone that was bought for {purchase.offer_minor:,} would leave the shop again.")
    lost_minor = unit.refurbished_minor or 0
    reason = f"Purchase {purchase.number} taken back: {form.reason}"
    turn(ctx, unit, UnitStatus.SCRAPPED, reason, about_id=purchase.id, kind=MovementKind.ADJUSTED)
    reversal = {
        "id": reversal_id, "purchase_id": purchase.id, "shop_id": ctx.shop_id, "reason": form.reason,
        "lost_minor": lost_minor, "at": ctx.now, "by_id": ctx.actor.id,
    }  # fmt: skip
    insert_rows(ctx.session, UsedPurchaseReversal, [reversal])
    payout = Payout(method=form.method, reference=form.reference)
    slip = _move(ctx, payout, purchase.offer_minor, purchase.id, f"Purchase {purchase.number} taken back")
    ctx.about("used_purchase", purchase.id)
    return {
        "purchase_id": purchase.id, "number": purchase.number, "received": purchase.offer_minor, "lost": lost_minor,
        "slip": slip,
    }  # fmt: skip


def _stay_of(ctx: Context, purchase: UsedPurchase) -> StockUnit:
    """Where the bought phone stands in this shop: its first stay, or the one it came back to from another shop."""
    unit = own_unit(ctx, purchase.unit_id)
    if unit.status != UnitStatus.SENT:
        return unit
    query = select(StockUnit).where(
        StockUnit.handset_id == purchase.handset_id, StockUnit.shop_id == ctx.shop_id,
        StockUnit.purchase_id == purchase.id,
    )  # fmt: skip
    return ctx.session.scalars(query.order_by(StockUnit.received_at.desc(), StockUnit.id.desc())).first() or unit


def weigh(ctx: Context, form: UsedPhone, ticket_id: str | None = None) -> Offer:
    """Ask everything that is asked before paying; the number of the agreement is taken when all is well.

    ticket_id  the repair it is bought on

    Raises Invalid, PhoneInRepair, PhoneBlocked, PhoneOnPlan, ApprovalNeeded.
    """
    product = find_product(ctx.session, form.product_id)
    grade = form.grade or grade_in(product.name)
    wrong = rules.unseen(
        locks_removed=form.locks_removed, was_reset=form.was_reset, states_ownership=form.states_ownership
    )
    if grade is None:
        wrong["grade"] = "is needed: the table pays by grade"
    wrong |= _missing_of_seller(ctx, form.seller)
    if wrong or grade is None:
        raise Invalid(wrong)
    if form.customer_id:
        find_customer(ctx.session, form.customer_id)
    numbers = read_numbers(form.imei1, form.imei2, form.serial)
    notes = check_before_paying(ctx, numbers, ticket_id)
    valued_minor = table_value(ctx.session, product.id, form.storage, grade)
    objection = rules.offer_objection(ctx.actor.role, form.offer, valued_minor)
    if objection is not None:
        ctx.require_approval(objection)
    odd = rules.identity_note(form.seller.id_type, form.seller.id_number)
    return Offer(
        ctx.new_id(), next_document_number(ctx, Document.USED_PURCHASE), grade, valued_minor or 0,
        rules.network_lock(form.network_lock), [*notes, *([odd] if odd else [])],
    )  # fmt: skip


def take_in(ctx: Context, form: UsedPhone, offer: Offer, sale_id: str | None = None) -> dict[str, Any]:
    """The phone into stock and held back, its seller into the vault, and the purchase. Raises AlreadyInStock, Invalid.

    sale_id  the sale it is traded in for
    """
    received = receive_handset(
        ctx,
        ReceiveHandset(
            product_id=form.product_id, imei1=form.imei1, imei2=form.imei2, serial=form.serial, colour=form.colour,
            storage=form.storage, cost_minor=form.offer, grade=offer.grade, source=f"Used phone {offer.number}",
        ),
    )  # fmt: skip
    unit = own_unit(ctx, received["unit_id"])
    unit.condition, unit.vat_scheme = Condition.USED.value, VatScheme.MARGIN.value
    unit.has_box, unit.has_charger, unit.battery_pct = form.has_box, form.has_charger, form.battery_pct
    unit.region, unit.purchase_id = form.region, offer.purchase_id
    unit.lock_state = f"network {offer.network_lock}" if offer.network_lock else "none"
    unit.hold_until = rules.hold_end(ctx.now, number_setting(ctx.session, "used_hold_days"))
    identity_id = _keep_identity(ctx, form.seller)
    purchase = {
        "id": offer.purchase_id, "shop_id": ctx.shop_id, "number": offer.number, "handset_id": unit.handset_id,
        "product_id": unit.product_id, "unit_id": unit.id, "customer_id": form.customer_id,
        "identity_id": identity_id, "sale_id": sale_id, "grade": offer.grade, "valued_minor": offer.valued_minor,
        "offer_minor": form.offer, "locks_removed": form.locks_removed, "was_reset": form.was_reset,
        "network_lock": offer.network_lock, "states_ownership": form.states_ownership, "notes": form.notes,
        "at": ctx.now, "by_id": ctx.actor.id,
    }  # fmt: skip
    ctx.session.flush()
    insert_rows(ctx.session, UsedPurchase, [purchase])
    ctx.about("used_purchase", offer.purchase_id)
    return {
        "purchase_id": offer.purchase_id, "number": offer.number, "unit_id": unit.id,
        "handset_id": unit.handset_id, "valued": offer.valued_minor, "offer": form.offer,
        "notes": [*received["notes"], *offer.notes],
    }  # fmt: skip


def pay_out(ctx: Context, payout: Payout, amount_minor: int, offer: Offer) -> str | None:
    """Pay the seller; the number of the slip, None where there is nothing to pay (rule 17)."""
    return _move(ctx, payout, -amount_minor, offer.purchase_id, f"Used phone {offer.number}")


def _move(ctx: Context, payout: Payout, amount_minor: int, purchase_id: str, note: str) -> str | None:
    if amount_minor == 0:
        return None
    moved = move_money(
        ctx, MoneyKind.USED_PHONE, payout.method, amount_minor, reference=payout.reference, about_id=purchase_id,
        note=note, fee_minor=payout.fee, fee_borne_by=payout.fee_borne_by,
    )  # fmt: skip
    return moved.number


def _missing_of_seller(ctx: Context, seller: Seller) -> dict[str, str]:
    """What the agreement needs of the seller and was not given, by field (rule 13)."""
    wrong = {}
    needed = number_setting(ctx.session, "used_id_photos")
    if len(seller.photos) < needed:
        wrong["seller.photos"] = f"are needed, at least {needed}: the ID, and its holder"
    if not seller.signature and not seller.signed_on_paper:
        wrong["seller.signature"] = "is needed, on the screen or on the printed agreement"
    return wrong


def _keep_identity(ctx: Context, seller: Seller) -> str:
    """Seal who the seller is, their photos first. Answers the id of the record."""
    assert ctx.shop_id is not None
    identity_id = ctx.new_id()
    photo_key = vault.fresh_photo_key(ctx)
    images = [(f"seller.photos.{position}", image) for position, image in enumerate(seller.photos)]
    names = [
        vault.keep_sealed_photo(ctx, identity_id, photo_key, _picture(place, image))
        for place, image in [*images, *([("seller.signature", seller.signature)] if seller.signature else [])]
    ]
    details = vault.SellerDetails(
        name=seller.name, phone=seller.phone, id_type=seller.id_type, id_number=seller.id_number,
        address=seller.address, photos=names[: len(images)], signature=names[-1] if seller.signature else None,
        photo_key=photo_key,
    )  # fmt: skip
    months = number_setting(ctx.session, "identity_keep_months")
    row = SellerIdentity(
        id=identity_id, shop_id=ctx.shop_id, sealed=vault.seal(ctx, identity_id, details),
        keep_until=rules.months_later(ctx.now, months), created_at=ctx.now,
    )  # fmt: skip
    add_rows(ctx.session, row)
    return identity_id


def _picture(place: str, image: str) -> bytes:
    """A photo made small, as its bytes. Raises Invalid."""
    try:
        return make_photo(base64.b64decode(image, validate=True)).content
    except UnusablePhoto as unusable:
        raise Invalid({place: str(unusable)}) from None
    except (ValueError, binascii.Error):
        raise Invalid({place: "is not a file"}) from None


def figures_of_phone(phone: UsedPhone) -> tuple[int, str]:
    """What the owner is told over the telephone: what is offered, and the number of the phone itself."""
    return phone.offer, bare_number(phone.imei1 or phone.serial or "") or "NEW"


def _figures(ctx: Context, form: BuyPhone) -> tuple[int, str]:
    return figures_of_phone(form)


def _figures_of_reversal(ctx: Context, form: ReversePurchase) -> tuple[int, str]:
    purchase = find_row(ctx.session, UsedPurchase, form.purchase_id, "This purchase")
    return purchase.offer_minor, purchase.number


register_figures("usedphones.buy", _figures)
register_figures("usedphones.reverse", _figures_of_reversal)

"""Who sold a phone: looked at by few, each look written down, erased when its time is over (rules 13 and 91).

Invariants:
  * What is read is read out of the vault after a look was journalled, or by the person who wrote it down that day.
  * No action answers with it: what an action answers stands in the journal.
  * Once erased, its sealed text is in no row, no entry and no line of the feed, at any home that heard of it. Photos
    that another home erased stay in the shop as bytes that nothing opens: their key lay in the record.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from shopnode.domain.actions import action
from shopnode.domain.context import Context
from shopnode.domain.customers.erasing import forget_reveals
from shopnode.domain.errors import NotFound, NotPermitted
from shopnode.domain.homes import Where
from shopnode.domain.journal import JournalEntry
from shopnode.domain.params import IdText, Params
from shopnode.domain.permissions import Permission
from shopnode.domain.photos.store import drop_photos
from shopnode.domain.projections import Changed, projection
from shopnode.domain.queries import find_row, row_or_none
from shopnode.domain.usedphones.models import SellerIdentity, UsedPurchase
from shopnode.domain.usedphones.vault import SellerDetails, VaultShut, sealed_photos, unseal

LOOK = "usedphones.look_at_identity"
LOOK_LASTS = timedelta(minutes=10)  # from the look that was written down until the page is shown
OWN_DAY = timedelta(hours=24)  # whoever bought prints the agreement
EXPIRED_MAX = 200


class AboutSeller(Params):
    """Whose seller."""

    purchase_id: IdText


class EraseExpired(Params):
    """Nothing is asked: whose time is over follows from when they sold."""


class IdentityErased(NotFound):
    def __init__(self) -> None:
        super().__init__("Who sold this phone (its time was over, or they asked)")


@dataclass(frozen=True)
class SellerView:
    """Who sold a phone, as it was written down."""

    name: str
    phone: str
    id_type: str
    id_number: str
    address: str | None
    photos: list[bytes]  # WebP; those that are in this home
    signature: bytes | None


@action(LOOK, needs=Permission.IDENTITIES_READ, where=Where.ANYWHERE)
def look_at_identity(ctx: Context, form: AboutSeller) -> dict[str, Any]:
    """Write down that somebody looks at who sold a phone; it may be read for some minutes then.

    It changes no row: the entry itself is the trace, with who and when, and it travels as any other.

    Raises NotFound, also for one that was erased.
    """
    purchase = find_row(ctx.session, UsedPurchase, form.purchase_id, "This purchase")
    _find(ctx.session, purchase)
    ctx.about("used_purchase", purchase.id)
    return {"purchase_id": purchase.id}


@action("usedphones.erase_identity", needs=Permission.CUSTOMERS_ERASE, where=Where.ANYWHERE)
def erase_identity(ctx: Context, form: AboutSeller) -> dict[str, Any]:
    """Erase who sold a phone, with the photos; the purchase stays. Raises NotFound."""
    purchase = find_row(ctx.session, UsedPurchase, form.purchase_id, "This purchase")
    _erase(ctx, _find(ctx.session, purchase))
    ctx.about("used_purchase", purchase.id)
    return {"purchase_id": purchase.id}


@action("usedphones.erase_expired", needs=Permission.CUSTOMERS_ERASE, where=Where.ANYWHERE)
def erase_expired(ctx: Context, form: EraseExpired) -> dict[str, Any]:
    """Erase every seller whose time is over, at most 200 at once. Done again it goes on; it is safe to repeat."""
    over = expired_identities(ctx.session, ctx.now)
    for purchase_id in over:
        _erase(ctx, _find(ctx.session, find_row(ctx.session, UsedPurchase, purchase_id, "This purchase")))
    ctx.session.flush()
    if over:
        ctx.about("used_purchase", over[0])
    return {"erased": len(over), "more": bool(expired_identities(ctx.session, ctx.now, 1))}


def _erase(ctx: Context, identity: SellerIdentity) -> None:
    try:
        details = unseal(ctx.session, identity)
        drop_photos(ctx.session, [*details.photos, *([details.signature] if details.signature else [])])
    except VaultShut:
        pass  # nobody can open its photos either: their key lies inside
    identity.sealed, identity.erased_at = None, ctx.now


@projection("seller_identity")
def forget_erased_sellers(session: Session, changed: Changed) -> None:
    """Take the sealed text of an erased seller out of the journal and the feed of this home, whoever erased it.

    The key that opens it stays in the books, for the others that it seals.
    """
    told = changed.updates.get("seller_identity")
    if not told:
        return
    query = select(SellerIdentity.id).where(SellerIdentity.id.in_(told), SellerIdentity.erased_at.is_not(None))
    for identity_id in session.scalars(query.order_by(SellerIdentity.id)).all():
        forget_reveals(session, "seller_identity", identity_id)


def identity_of(ctx: Context, purchase_id: str) -> SellerView:
    """Who sold a phone, for whoever may see it now. Raises NotPermitted, NotFound, VaultShut."""
    purchase = find_row(ctx.session, UsedPurchase, purchase_id, "This purchase")
    if not may_see_seller(ctx, purchase):
        raise NotPermitted("Who sold a phone is shown after a look was written down, to those who may look.")
    identity = _find(ctx.session, purchase)
    details = unseal(ctx.session, identity)
    signature = [details.signature] if details.signature else []
    signed = sealed_photos(ctx.session, identity.id, details, signature)
    return SellerView(
        details.name, details.phone, details.id_type, details.id_number, details.address,
        sealed_photos(ctx.session, identity.id, details, details.photos), signed[0] if signed else None,
    )  # fmt: skip


def may_see_seller(ctx: Context, purchase: UsedPurchase) -> bool:
    """The buyer on the day, and those who may look and whose look was written down a moment ago."""
    if purchase.by_id is not None and purchase.by_id == ctx.actor.id and ctx.now - purchase.at < OWN_DAY:
        return True
    return ctx.may(Permission.IDENTITIES_READ) and _has_looked(ctx, purchase.id)


def seller_or_none(ctx: Context, purchase: UsedPurchase) -> SellerDetails | None:
    """The seller's details for a paper, None where this person may not see them or they are erased."""
    identity = row_or_none(ctx.session, SellerIdentity, purchase.identity_id or "")
    if identity is None or identity.sealed is None or not may_see_seller(ctx, purchase):
        return None
    return unseal(ctx.session, identity)


def expired_identities(session: Session, now: datetime, limit: int = EXPIRED_MAX) -> list[str]:
    """Purchases whose seller's time is over and who is not erased yet, the oldest first: for a job that erases them."""
    query = select(UsedPurchase.id).join(SellerIdentity, SellerIdentity.id == UsedPurchase.identity_id)
    query = query.where(SellerIdentity.keep_until <= now, SellerIdentity.sealed.is_not(None))
    return list(session.scalars(query.order_by(SellerIdentity.keep_until, UsedPurchase.id).limit(limit)))


def _find(session: Session, purchase: UsedPurchase) -> SellerIdentity:
    identity = row_or_none(session, SellerIdentity, purchase.identity_id or "")
    if identity is None or identity.sealed is None:
        raise IdentityErased
    return identity


def _has_looked(ctx: Context, purchase_id: str) -> bool:
    since = ctx.now - LOOK_LASTS
    query = select(JournalEntry.entry_id).where(
        JournalEntry.subject_id == purchase_id, JournalEntry.action == LOOK, JournalEntry.at >= since,
        JournalEntry.actor_id.is_not_distinct_from(ctx.actor.id),
    )  # fmt: skip
    return ctx.session.scalars(query.limit(1)).first() is not None

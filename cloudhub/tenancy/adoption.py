"""A PC that sold before it was enrolled keeps its shop, its origin, its chain and its receipt numbers.

The shop that was prepared for it gives up its place: it is archived, its owners are posted to the shop the PC knows,
and everything recorded so far comes up by ordinary push. That is possible while the prepared shop is still empty.

Invariants:
  * No two PCs of a business print the same receipt numbers, and no two currencies meet in one business.
  * An origin is adopted once; again only while nothing of it has arrived, for then its PC never heard our answer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sqlalchemy import delete, exists, func, select, update
from sqlalchemy.orm import Session

from cloudhub.hub import Hub
from cloudhub.merge.models import FeedLine, Origin
from cloudhub.tenancy.codes import Invitation
from cloudhub.tenancy.models import EnrolCode, Node, ShopSeat, Tenant
from shopnode.domain.actions import perform
from shopnode.domain.context import CONSOLE, Context
from shopnode.domain.errors import Conflict
from shopnode.domain.people.models import BUSINESS_ID, Business
from sync_protocol.lines import shop_stream
from sync_protocol.messages import Standalone
from sync_protocol.problems import InvalidEnvelope

LEAVING = "-"  # the code of a seat that is being given up, so that the new one may have its code


class CannotAdopt(Conflict):
    """The shop prepared at the hub cannot become the one this PC has kept the books of."""

    code = "cannot-adopt"


@dataclass(frozen=True)
class Place:
    """Where a new node will stand."""

    shop_id: str
    origin_id: str
    series: str


def adopt(hub: Hub, session: Session, invitation: Invitation, standalone: Standalone) -> Place:
    """The place of the prepared shop, under the ids the PC has used all along. Raises CannotAdopt, InvalidEnvelope."""
    seat = session.scalars(select(ShopSeat).where(ShopSeat.shop_id == invitation.shop_id).with_for_update()).one()
    if standalone.business != BUSINESS_ID:
        raise InvalidEnvelope("the standalone shop names another business")
    began = _began_before(session, standalone)
    if not began and standalone.shop == seat.shop_id:
        raise CannotAdopt("This shop is enrolled already. Ask the owner for a code of a new, empty shop.")
    if standalone.shop != seat.shop_id:
        _require_empty(session, seat)
    _require_currency(session, standalone)
    code = _agree_on_code(session, seat, standalone)
    series, number = _agree_on_series(session, code, standalone)
    if standalone.shop != seat.shop_id:
        _move(hub, session, invitation, seat, ShopSeat(
            tenant_id=invitation.tenant_id, shop_id=standalone.shop, code=code, installations=number,
        ))  # fmt: skip
    return Place(standalone.shop, standalone.origin, series)


def _began_before(session: Session, standalone: Standalone) -> bool:
    """Whether this PC was enrolled once and never spoke since. Raises CannotAdopt for books that are in use."""
    origin = session.scalars(select(Origin).where(Origin.id == standalone.origin).with_for_update()).one_or_none()
    taken = session.scalar(select(exists().where(ShopSeat.shop_id == standalone.shop)))
    if origin is None:
        fits = not taken or session.scalar(select(~exists().where(Node.shop_id == standalone.shop)))
    else:
        fits = origin.head_n == 0 and origin.shop_id == standalone.shop
    if not fits:
        raise CannotAdopt("This computer's books are with the owner already. Ask them to withdraw the earlier entry.")
    return origin is not None


def _require_empty(session: Session, seat: ShopSeat) -> None:
    used = session.scalar(select(exists().where(Node.shop_id == seat.shop_id)))
    # The owner's own posting is all that a prepared shop holds; only a shop's PC or a further act adds more.
    lines = session.scalar(
        select(func.count())
        .select_from(FeedLine)
        .where(FeedLine.stream == shop_stream(seat.shop_id), FeedLine.origin_id != portal_origin(session))
    )
    if used or lines or seat.installations:
        raise CannotAdopt("The shop this code was made for is in use. Ask the owner for a code of a new, empty shop.")


def _require_currency(session: Session, standalone: Standalone) -> None:
    ours = session.scalars(select(Business.currency).where(Business.id == BUSINESS_ID)).one_or_none()
    theirs = standalone.currency
    if ours and theirs and ours != theirs:
        raise CannotAdopt(
            f"This computer has kept its books in {theirs[:3]}, and the business keeps them in {ours}. "
            "Amounts of two currencies cannot be added up; enrol a new computer for this shop."
        )


def _agree_on_code(session: Session, seat: ShopSeat, standalone: Standalone) -> str:
    """The code its receipts already carry, unless another shop of the business uses it."""
    code = (standalone.shop_code or seat.code).upper()
    if not re.fullmatch(r"[A-Z0-9]{1,12}", code):
        raise InvalidEnvelope("a shop's code has 1 to 12 letters and digits")
    ours = (seat.shop_id, standalone.shop)
    if session.scalar(select(exists().where(ShopSeat.code == code, ShopSeat.shop_id.not_in(ours)))):
        raise CannotAdopt(
            f"Receipts of this shop begin with {code}, and so do those of another shop of this business. "
            "Two shops cannot share their numbers."
        )
    return code


def _agree_on_series(session: Session, code: str, standalone: Standalone) -> tuple[str, int]:
    """What its receipt numbers begin with, as it prints them, and the number at its end."""
    series = standalone.series or f"{code}1"
    fits = re.fullmatch(f"(({re.escape(code)})([1-9][0-9]{{0,3}}))(-[0-9A-Z]{{5}})?", series)
    if fits is None:
        raise InvalidEnvelope("receipt numbers begin with the shop's code and the installation's number")
    begun = func.split_part(Node.series, "-", 1) == fits[1]
    if session.scalar(select(exists().where(begun, Node.origin_id != standalone.origin))):
        raise CannotAdopt(
            f"Receipts of this computer are numbered {series}-…, and so are those of another computer of this "
            "business. Two computers cannot share their numbers."
        )
    return series, int(fits[3])


def _move(hub: Hub, session: Session, invitation: Invitation, seat: ShopSeat, place: ShopSeat) -> None:
    """The prepared shop gives up its seat; the code that was typed goes along, so that it can be answered again."""
    home = hub.home_of(invitation.tenant_id, portal_origin(session), session)
    form = {"placeholder_id": seat.shop_id, "shop_id": place.shop_id}
    perform(Context(home=home, actor=CONSOLE, shop_id=None), "shops.adopt", form)
    left = seat.shop_id
    seat.code = LEAVING
    session.flush()
    if session.get(ShopSeat, (invitation.tenant_id, place.shop_id)) is None:
        session.add(place)
        session.flush()
    typed = update(EnrolCode).where(EnrolCode.code_hash == invitation.code_hash)
    session.execute(typed.values(shop_id=place.shop_id))
    session.execute(delete(EnrolCode).where(EnrolCode.shop_id == left))
    session.delete(seat)
    session.flush()


def portal_origin(session: Session) -> str:
    return session.scalars(select(Tenant.portal_origin_id)).one()

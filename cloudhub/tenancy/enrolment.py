"""Enrolment: a code and a public key become a node of a shop.

A PC that sold before brings its own shop, origin and chain. The shop that was prepared for it gives up its place: it
is archived, its owners are posted to the shop the PC knows, and everything recorded so far comes up by ordinary push.
That is possible while the prepared shop is still empty.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sqlalchemy import delete, exists, func, select, update
from sqlalchemy.orm import Session

from cloudhub.hub import Hub
from cloudhub.merge.models import FeedLine, Origin
from cloudhub.tenancy.codes import Invitation, find_invitation, use_code
from cloudhub.tenancy.models import EnrolCode, Node, ShopSeat, Tenant
from cloudhub.tenancy.tenants import new_origin
from cloudhub.tenancy.throttle import count_try, forgive_try
from shopnode.domain.actions import perform
from shopnode.domain.clock import to_datetime
from shopnode.domain.context import CONSOLE, Context
from shopnode.domain.errors import Conflict, TooManyTries
from shopnode.domain.people.models import BUSINESS_ID
from sync_protocol.keys import read_public
from sync_protocol.lines import TENANT_STREAM, shop_stream
from sync_protocol.messages import EnrolAnswer, EnrolRequest, Standalone
from sync_protocol.problems import InvalidEnvelope, SlowDown

TRIES_PER_ADDRESS_MAX = 20
TRIES_IN_ALL_MAX = 1_000  # in fifteen minutes: against a guess from everywhere at once


class CannotAdopt(Conflict):
    """The shop prepared at the hub cannot become the one this PC has kept the books of."""

    code = "cannot-adopt"


@dataclass(frozen=True)
class Place:
    """Where a new node will stand."""

    shop_id: str
    origin_id: str
    series: str


def enrol(hub: Hub, request: EnrolRequest, address: str) -> EnrolAnswer:
    """Make the sender a node. Raises BadCode, SlowDown, InvalidEnvelope or CannotAdopt; nothing is changed then."""
    _check_key(request.public_key)
    keys = {f"enrol:{address}": TRIES_PER_ADDRESS_MAX, "enrol": TRIES_IN_ALL_MAX}
    try:
        count_try(hub.database, hub.clock, keys)
    except TooManyTries as slow:
        raise SlowDown(slow.wait_s * 1000) from None
    invitation = find_invitation(hub, request.code)
    node_id = hub.new_id()
    with hub.database.session(invitation.tenant_id) as session:
        use_code(session, invitation, node_id, hub.clock.wall_ms())
        place = (
            _adopt(hub, session, invitation, request.standalone)
            if request.standalone
            else _sit(hub, session, invitation)
        )
        _add_node(hub, session, invitation.tenant_id, node_id, place, request)
    forgive_try(hub.database, *keys)
    hub.feed_moved(invitation.tenant_id)
    return EnrolAnswer(
        node=node_id,
        origin=place.origin_id,
        tenant=invitation.tenant_id,
        shop=place.shop_id,
        series=place.series,
        streams=[TENANT_STREAM, shop_stream(place.shop_id)],
        audience=hub.identity.audience,
        epoch=hub.identity.epoch,
        hub_key=hub.identity.public_key,
        time=hub.clock.wall_ms(),
    )


def _check_key(text: str) -> None:
    try:
        read_public(text)
    except ValueError:
        raise InvalidEnvelope("the public key is not an Ed25519 key") from None


def _sit(hub: Hub, session: Session, invitation: Invitation) -> Place:
    """A place for a PC that begins with nothing."""
    statement = update(ShopSeat).where(ShopSeat.shop_id == invitation.shop_id)
    row = session.execute(
        statement.values(installations=ShopSeat.installations + 1).returning(ShopSeat.code, ShopSeat.installations)
    ).one()
    return Place(invitation.shop_id, hub.new_id(), f"{row.code}{row.installations}")


def _adopt(hub: Hub, session: Session, invitation: Invitation, standalone: Standalone) -> Place:
    """The place of the prepared shop, under the ids the PC has used all along."""
    seat = session.scalars(select(ShopSeat).where(ShopSeat.shop_id == invitation.shop_id).with_for_update()).one()
    if standalone.business != BUSINESS_ID:
        raise InvalidEnvelope("the standalone shop names another business")
    if standalone.shop != seat.shop_id:
        _require_empty(session, seat, standalone)
        code = _agree_on_code(session, seat, standalone)
        home = hub.home_of(invitation.tenant_id, _portal_origin(session), session)
        form = {"placeholder_id": seat.shop_id, "shop_id": standalone.shop}
        perform(Context(home=home, actor=CONSOLE, shop_id=None), "shops.adopt", form)
        session.execute(delete(EnrolCode).where(EnrolCode.shop_id == seat.shop_id))
        session.delete(seat)
        session.flush()
        session.add(ShopSeat(tenant_id=invitation.tenant_id, shop_id=standalone.shop, code=code, installations=1))
        session.flush()
        return Place(standalone.shop, standalone.origin, f"{code}1")
    raise CannotAdopt("This shop is enrolled already. Ask the owner for a code of a new, empty shop.")


def _require_empty(session: Session, seat: ShopSeat, standalone: Standalone) -> None:
    used = session.scalar(select(exists().where(Node.shop_id == seat.shop_id)))
    # The owner's own posting is all that a prepared shop holds; only a shop's PC or a further act adds more.
    lines = session.scalar(
        select(func.count())
        .select_from(FeedLine)
        .where(FeedLine.stream == shop_stream(seat.shop_id), FeedLine.origin_id != _portal_origin(session))
    )
    if used or lines or seat.installations:
        raise CannotAdopt("The shop this code was made for is in use. Ask the owner for a code of a new, empty shop.")
    known = session.scalar(select(exists().where(Origin.id == standalone.origin)))
    taken = session.scalar(select(exists().where(ShopSeat.shop_id == standalone.shop)))
    if known or taken:
        raise CannotAdopt("This computer's books are with the owner already. Ask them to withdraw the earlier entry.")


def _agree_on_code(session: Session, seat: ShopSeat, standalone: Standalone) -> str:
    """The code its receipts already carry, unless another shop of the business uses it."""
    code = (standalone.shop_code or seat.code).upper()
    if not re.fullmatch(r"[A-Z0-9]{1,12}", code):
        raise InvalidEnvelope("a shop's code has 1 to 12 letters and digits")
    if session.scalar(select(exists().where(ShopSeat.code == code, ShopSeat.shop_id != seat.shop_id))):
        raise CannotAdopt(
            f"Receipts of this shop begin with {code}, and so do those of another shop of this business. "
            "Two shops cannot share their numbers."
        )
    return code


def _portal_origin(session: Session) -> str:
    return session.scalars(select(Tenant.portal_origin_id)).one()


def _add_node(hub: Hub, session: Session, tenant_id: str, node_id: str, place: Place, request: EnrolRequest) -> None:
    now_ms = hub.clock.wall_ms()
    session.add_all(
        [
            new_origin(
                tenant_id, place.origin_id, now_ms=now_ms, node_id=node_id, shop_id=place.shop_id,
                public_key=request.public_key,
            ),
            Node(
                tenant_id=tenant_id, id=node_id, shop_id=place.shop_id, origin_id=place.origin_id,
                series=place.series, public_key=request.public_key, device=request.device,
                software=request.software, enrolled_at=to_datetime(now_ms),
            ),
        ]
    )  # fmt: skip
    session.flush()

"""Enrolment: a code and a public key become a node of a shop, new or with books of its own (adoption.py).

Invariants:
  * A code makes one node. While it lives, the same code with the same key is answered again: the first answer was lost.
  * Whoever enrols an origin anew takes it over whole; the key that had it before speaks no more.
"""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from cloudhub.hub import Hub
from cloudhub.merge.models import Origin
from cloudhub.tenancy.adoption import CannotAdopt, Place, adopt
from cloudhub.tenancy.codes import Invitation, find_invitation, use_code
from cloudhub.tenancy.models import Node, ShopSeat
from cloudhub.tenancy.tenants import new_origin
from cloudhub.tenancy.throttle import count_try, forgive_try
from shopnode.domain.clock import to_datetime
from shopnode.domain.errors import TooManyTries
from sync_protocol.keys import read_public
from sync_protocol.lines import TENANT_STREAM, shop_stream
from sync_protocol.messages import EnrolAnswer, EnrolRequest
from sync_protocol.problems import BadCode, InvalidEnvelope, SlowDown

TRIES_PER_ADDRESS_MAX = 20
# In fifteen minutes, from everywhere at once: a code has 60 bits, and a stranger must not shut the door for everybody.
TRIES_IN_ALL_MAX = 100_000
IPV6_PREFIX = 64  # what one household is given, or one rented machine


def enrol(hub: Hub, request: EnrolRequest, address: str) -> EnrolAnswer:
    """Make the sender a node. Raises BadCode, SlowDown, InvalidEnvelope or CannotAdopt; nothing is changed then."""
    _check_key(request.public_key)
    keys = {f"enrol:{_network_of(address)}": TRIES_PER_ADDRESS_MAX, "enrol": TRIES_IN_ALL_MAX}
    try:
        count_try(hub.database, hub.clock, keys)
    except TooManyTries as slow:
        raise SlowDown(slow.wait_s * 1000) from None
    invitation = find_invitation(hub, request.code)
    with hub.database.session(invitation.tenant_id) as session:
        node_id = invitation.node_id or hub.new_id()
        if invitation.node_id is not None:
            place = _place_again(session, invitation.node_id, request)
        else:
            use_code(session, invitation, node_id, hub.clock.wall_ms())
            place = _place(hub, session, invitation, request)
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


def _network_of(address: str) -> str:
    """What tries are counted by: whoever has an IPv6 network has all its addresses."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    return str(ip_network((int(found), IPV6_PREFIX), strict=False)) if found.version == 6 else address


def _check_key(text: str) -> None:
    try:
        read_public(text)
    except ValueError:
        raise InvalidEnvelope("the public key is not an Ed25519 key") from None


def _place(hub: Hub, session: Session, invitation: Invitation, request: EnrolRequest) -> Place:
    if request.shop is not None and request.shop != invitation.shop_id:
        raise CannotAdopt("This computer has the books of another shop. Ask the owner for a code of that one.")
    if request.standalone is None:
        return _sit(hub, session, invitation)
    return adopt(hub, session, invitation, request.standalone)


def _place_again(session: Session, node_id: str, request: EnrolRequest) -> Place:
    """The place this very key was given. Raises BadCode for anybody else: the code is used up."""
    node = session.scalars(select(Node).where(Node.id == node_id)).one()
    brought = request.standalone.origin if request.standalone else node.origin_id
    if (node.public_key, node.origin_id) != (request.public_key, brought) or node.revoked_at is not None:
        raise BadCode
    return Place(node.shop_id, node.origin_id, node.series)


def _sit(hub: Hub, session: Session, invitation: Invitation) -> Place:
    """A place for a PC that begins with nothing."""
    statement = update(ShopSeat).where(ShopSeat.shop_id == invitation.shop_id)
    row = session.execute(
        statement.values(installations=ShopSeat.installations + 1).returning(ShopSeat.code, ShopSeat.installations)
    ).one()
    return Place(invitation.shop_id, hub.new_id(), f"{row.code}{row.installations}")


def _add_node(hub: Hub, session: Session, tenant_id: str, node_id: str, place: Place, request: EnrolRequest) -> None:
    now_ms = hub.clock.wall_ms()
    origin = session.scalars(select(Origin).where(Origin.id == place.origin_id)).one_or_none()
    if origin is None:
        session.add(
            new_origin(
                tenant_id, place.origin_id, now_ms=now_ms, node_id=node_id, shop_id=place.shop_id,
                public_key=request.public_key,
            )
        )  # fmt: skip
    else:
        earlier = update(Node).where(Node.origin_id == place.origin_id, Node.revoked_at.is_(None))
        session.execute(earlier.values(revoked_at=to_datetime(now_ms)))
        origin.node_id, origin.public_key = node_id, request.public_key
    session.add(
        Node(
            tenant_id=tenant_id, id=node_id, shop_id=place.shop_id, origin_id=place.origin_id,
            series=place.series, public_key=request.public_key, device=request.device,
            software=request.software, enrolled_at=to_datetime(now_ms),
        )
    )  # fmt: skip
    session.flush()

"""Connecting a shop to its hub, from the command line: a shop that runs already, or a new data folder."""

from __future__ import annotations

import socket
from importlib.metadata import version
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from shopnode.config import Folder, Settings, is_loopback
from shopnode.domain.clock import Clock, RandomBytes
from shopnode.domain.engine import NodeDatabase
from shopnode.domain.errors import Conflict, Invalid, ShopError
from shopnode.domain.setup import create_installation
from shopnode.machine.founding import new_books
from shopnode.sync.enrol import Enrolment, adopt, ask_to_enrol, join_again, key_for_attempt, link_row, standalone_of
from shopnode.sync.line import Refused
from shopnode.sync.models import HubLink
from shopnode.sync.renew import gather
from shopnode.sync.transport import LinkDown
from sync_protocol.messages import Standalone
from sync_protocol.problems import BadCode

if TYPE_CHECKING:
    from shopnode.machine.runtime import Node


SHUT_OUT = ("revoked", "bad_signature")  # what only a new code mends


class EnrolmentRefused(ShopError):
    code, status = "enrolment-refused", 403


class HubAway(ShopError):
    code, status = "hub-away", 502

    def __init__(self) -> None:
        super().__init__("No hub answers at this address. Check the address and the internet connection, then repeat.")


class AlreadyEnrolled(Conflict):
    code = "already-enrolled"

    def __init__(self) -> None:
        super().__init__("This shop is connected to a hub already.")


def enrol_running(node: Node, hub: str, code: str) -> dict[str, Any]:
    """Connect a shop that began alone: it keeps its ids, and all it recorded goes up.

    A PC from which the hub takes nothing any more, because it was withdrawn or put back from an old copy, joins anew.
    """
    if node.sync.status().state != "not-enrolled":
        return _enrol_again(node, hub, code)
    check_hub_address(hub)
    gather(node.home)
    secret = key_for_attempt(node.home)
    enrolment = _ask(hub, code, node.home.random, standalone_of(node.home), secret)
    adopt(node.home, enrolment)
    node.sync.wake()
    return _told(enrolment)


def _enrol_again(node: Node, hub: str, code: str) -> dict[str, Any]:
    check_hub_address(hub)
    with node.home.reading() as session:
        link = session.get_one(HubLink, 1)
    try:
        node.sync.run_once()
    except Refused as refused:
        if refused.problem.code not in SHUT_OUT:
            raise AlreadyEnrolled from None
    except LinkDown:
        raise HubAway from None
    else:
        raise AlreadyEnrolled
    secret = key_for_attempt(node.home)
    enrolment = _ask(hub, code, node.home.random, secret=secret, shop_id=node.home.shop_id)
    if (enrolment.answer.hub_key, enrolment.answer.shop) != (link.hub_key, node.home.shop_id):
        raise EnrolmentRefused("This is another hub, or another shop, than the books here belong to. Nothing changed.")
    join_again(node.home, enrolment)
    node.sync.wake()
    return _told(enrolment)


def enrol_new(
    folder: Folder, settings: Settings, hub: str, code: str, clock: Clock, random: RandomBytes
) -> dict[str, Any]:
    """Make a data folder for a shop that the hub knows already. The answer carries the recovery key, once."""
    told: dict[str, Any] = {}

    def fill(database: NodeDatabase) -> None:
        enrolment = _ask(hub, code, random)
        answer = enrolment.answer
        create_installation(
            database, clock, random, series=answer.series, node_id=answer.node, origin_id=answer.origin,
            shop_id=answer.shop, awaits_books=True,
        )  # fmt: skip
        with database.writing() as session:
            session.add(link_row(enrolment))
        told.update(_told(enrolment))

    return {"recovery_key": new_books(folder, settings, random, fill), **told}


def check_hub_address(hub: str) -> str:
    """The hub's address without a path. Raises Invalid: beyond this computer it must be https."""
    parts = urlsplit(hub.strip())
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.path.strip("/") or parts.query:
        raise Invalid({"hub": "must be an address like https://hub.example.com"})
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise Invalid({"hub": "must begin with https: the way to the hub leads over the internet"})
    return f"{parts.scheme}://{parts.netloc}"


def _ask(
    hub: str, code: str, random: RandomBytes, standalone: Standalone | None = None, secret: bytes | None = None,
    shop_id: str | None = None,
) -> Enrolment:  # fmt: skip
    software = f"phoneshop {version('phoneshop')}"
    try:
        return ask_to_enrol(
            check_hub_address(hub), code, device=socket.gethostname(), software=software, random=random,
            standalone=standalone, secret=secret, shop_id=shop_id,
        )  # fmt: skip
    except LinkDown:
        raise HubAway from None
    except Refused as refused:
        raise EnrolmentRefused(_words(refused)) from None


def _words(refused: Refused) -> str:
    """What the hub says is in the way, where it says more than the kind of problem."""
    detail = refused.facts.get("detail")
    in_words = refused.problem.code == BadCode.code and isinstance(detail, str) and detail != BadCode().detail
    return str(detail) if in_words else refused.problem.sentence


def _told(enrolment: Enrolment) -> dict[str, Any]:
    answer = enrolment.answer
    return {"hub": enrolment.url, "series": answer.series, "shop": answer.shop, "node": answer.node}

"""The owner's portal on the hub's application: its own screens beside the office that shops have, too.

The nodes' door (`/sync/`) stands apart: it is no page, and its calls prove themselves by signature.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, g, request, url_for

from cloudhub.hub import Hub
from cloudhub.merge.inboxes import count_open
from cloudhub.portal import (  # noqa: F401 — they register their addresses
    carried,
    conflicts,
    days,
    following,
    nodes,
    prices,
    repairs,
    signing_in,
    today,
)
from cloudhub.portal.blueprint import COOKIE, bp
from cloudhub.tenancy.logins import PortalUser, context_of, find_user
from cloudhub.tenancy.programs import HubAccounts
from shopnode.api import create_api
from shopnode.api.accounts import key_of_bearer, session_of_bearer
from shopnode.api.mount import who_may
from shopnode.domain.context import Context
from shopnode.domain.errors import NotSignedIn
from shopnode.domain.people.queries import business_or_none
from shopnode.domain.permissions import Permission
from shopnode.web.office import office_blueprint
from shopnode.web.ui import access, defence, refusals
from shopnode.web.ui import request as requests_of
from shopnode.web.ui.frame import install_frame, manner
from shopnode.web.ui.look import install_look
from shopnode.web.ui.places import HUB_GROUPS

APART = "/sync/"

PORTAL: access.Access = {
    "health": access.Open.PUBLIC,
    "portal.login": access.Open.PUBLIC,
    "portal.logout": access.Open.PUBLIC,
    "portal.forgot": access.Open.PUBLIC,
    "portal.reset": access.Open.PUBLIC,
    "portal.follow_repair": access.Open.PUBLIC,
    "portal.home": Permission.SALES_READ_ALL,
    "portal.live_sales": Permission.SALES_READ_ALL,
    "portal.sale": Permission.SALES_READ_ALL,
    "portal.repairs": Permission.REPAIRS_READ,
    "portal.repair": Permission.REPAIRS_READ,
    "portal.repair_photo": Permission.REPAIRS_READ,
    "portal.days": Permission.CLOSURES_READ,
    "portal.approve_day": Permission.CLOSURES_APPROVE,
    "portal.products": Permission.PRODUCTS_READ,
    "portal.edit_price": Permission.PRODUCTS_UPDATE,
    "portal.conflicts": Permission.CONFLICTS_RESOLVE,
    "portal.resolve_conflict": Permission.CONFLICTS_RESOLVE,
    "portal.settle_exception": Permission.CONFLICTS_RESOLVE,
    "portal.nodes": Permission.SALES_READ_ALL,
    "portal.choose_computer": Permission.SETTINGS_UPDATE,
    "portal.change_key": Permission.SETTINGS_UPDATE,
    "portal.withdraw": Permission.SETTINGS_UPDATE,
    "portal.take_file": Permission.REPORTS_EXPORT,
}


def mount_portal(app: Flask, hub: Hub) -> None:
    """Put the portal and the office on the hub's application."""
    door = {rule.endpoint: access.Open.PUBLIC for rule in app.url_map.iter_rules() if rule.rule.startswith(APART)}
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    defence.install_defence(app, our_hosts(hub), apart=APART)
    accounts = HubAccounts(hub)
    requests_of.install(app, resolver(hub, accounts))
    access.install_access(app, access.SHARED, access.OFFICE, PORTAL, who_may(), door)
    refusals.install_refusals(app, sign_in_address)
    install_look(app, HUB_GROUPS, manner, hub.new_id)
    install_frame(app, frame)
    app.register_blueprint(bp)
    app.register_blueprint(office_blueprint())
    create_api(app, accounts, session_cookie=COOKIE)


def our_hosts(hub: Hub) -> Callable[[str], bool]:
    """Under which names the portal answers: its public one, the address it listens on, and private ones."""
    public = urlsplit(hub.settings.public_url or "").hostname or ""
    return defence.shop_hosts(hub.settings.host, public)


def resolver(hub: Hub, accounts: HubAccounts) -> Callable[[], Context | None]:
    """Who asks: an owner by the cookie of their session, a program by the token of its own."""

    def resolve() -> Context | None:
        if request.path.startswith(APART):
            return None
        user = _by_token(accounts) or _by_cookie(hub)
        if user is None:
            return None
        g.portal_user = user
        return context_of(hub, user, requests_of.channel())

    return resolve


def _by_token(accounts: HubAccounts) -> PortalUser | None:
    key = key_of_bearer(request.headers.get("Authorization"))
    if key is not None:
        return accounts.user_of_key(key)
    session_id = session_of_bearer(accounts, request.headers.get("Authorization"))
    try:
        return accounts.user_of(session_id) if session_id else None
    except NotSignedIn:
        return None


def _by_cookie(hub: Hub) -> PortalUser | None:
    secret = request.cookies.get(COOKIE)
    try:
        return find_user(hub, secret) if secret else None
    except NotSignedIn:
        return None


def sign_in_address() -> str:
    """Where one signs in, to come back afterwards."""
    onward = refusals.here()
    return url_for("portal.login", next=onward) if onward not in ("", "/") else url_for("portal.login")


def frame() -> dict[str, Any]:
    """What every page of the portal shows around its content."""
    session = g.ctx.session
    business = business_or_none(session)
    return {
        "me": g.ctx.actor,
        "shop": {"name": business.name if business else "Your shops", "code": ""},
        "till": None,
        "may_switch": False,
        "logout_url": url_for("portal.logout"),
        "counts": {"portal.conflicts": count_open(session).open, "portal.days": days.count_waiting()},
    }

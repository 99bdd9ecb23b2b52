"""A node's web application: the counter, the office, signing in and the API, over one running node.

What stands in front of every page, in this order: the host name and the origin (defence), who asks (request), whether
they may (access). One handler renders every refusal.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask, current_app, g, request, url_for

from shopnode.api.accounts import NodeAccounts, actor_of_bearer
from shopnode.api.mount import create_api, who_may
from shopnode.domain import everything  # noqa: F401 — the door knows every action
from shopnode.domain.context import Actor, Context
from shopnode.domain.errors import NotSignedIn
from shopnode.domain.people.models import Shop
from shopnode.domain.people.sessions import Locked, actor_of_session
from shopnode.domain.queries import row_or_none
from shopnode.web.counter import auth, cloud, counter_blueprint, printers, status
from shopnode.web.counter.home import COOKIE, RunningNode
from shopnode.web.office import office_blueprint
from shopnode.web.ui import access, defence, refusals
from shopnode.web.ui import request as requests_of
from shopnode.web.ui.frame import install_frame, manner
from shopnode.web.ui.look import install_look
from shopnode.web.ui.places import NODE_GROUPS

FORM_BYTES_MAX = 4 * 1024 * 1024
FORM_PARTS_MAX = 1_500
# Asked by the page, not by a person.
UNTOUCHED = frozenset({"status.link", "counter.print_state", "devices.jobs", "office.notice_badge"})


assert cloud  # it registers its addresses beside the link's


def create_app(node: RunningNode, *, hosts: tuple[str, ...] = ()) -> Flask:
    """The application of one node.

    hosts  names beside localhost and the private addresses under which this computer answers
    """
    app = Flask("shopnode", static_folder=None)
    app.config.update(
        MAX_CONTENT_LENGTH=FORM_BYTES_MAX, MAX_FORM_MEMORY_SIZE=FORM_BYTES_MAX, MAX_FORM_PARTS=FORM_PARTS_MAX
    )
    app.extensions["node"] = node
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    accounts = NodeAccounts(node.home)
    defence.install_defence(app, defence.shop_hosts(*hosts))
    requests_of.install(app, resolver(node, accounts))
    access.install_access(app, access.SHARED, access.COUNTER, access.OFFICE, who_may())
    refusals.install_refusals(app, sign_in_address)
    install_look(app, NODE_GROUPS, manner, node.home.new_id)
    install_frame(app, frame)
    for blueprint in (auth.bp, status.bp, counter_blueprint(), printers.bp, office_blueprint()):
        app.register_blueprint(blueprint)
    create_api(app, accounts, session_cookie=COOKIE)
    return app


def resolver(node: RunningNode, accounts: NodeAccounts) -> Callable[[], Context | None]:
    """Who asks: a browser by its cookie, a program by its token."""

    def resolve() -> Context | None:
        actor = _by_token(accounts) or _by_cookie(node)
        if actor is None:
            return None
        return Context(node.home, actor, node.home.shop_id, requests_of.channel())

    return resolve


def _by_token(accounts: NodeAccounts) -> Actor | None:
    return actor_of_bearer(accounts, request.headers.get("Authorization"))


def _by_cookie(node: RunningNode) -> Actor | None:
    token = request.cookies.get(COOKIE)
    if not token:
        return None
    try:
        return actor_of_session(node.home, token, touched=request.endpoint not in UNTOUCHED)
    except Locked as locked:
        g.locked_for = locked.staff_id
    except NotSignedIn:
        pass
    return None


def sign_in_address() -> str:
    """Where one signs in: by PIN on a locked screen, else by password."""
    where = "auth.pin" if g.get("locked_for") else "auth.login"
    onward = refusals.here()
    return url_for(where, next=onward) if onward not in ("", "/") else url_for(where)


def frame() -> dict[str, Any]:
    """What every page of the node shows around its content."""
    node: RunningNode = current_app.extensions["node"]
    shop = row_or_none(g.ctx.session, Shop, node.home.shop_id or "")
    till = node.home.series.removeprefix(shop.code if shop else "")
    return {
        "me": g.ctx.actor,
        "shop": shop or {"name": "This shop", "code": ""},
        "till": f"Till {till}" if till else None,
        "link": status.link_view(g.ctx.session),
        "may_switch": True,
    }

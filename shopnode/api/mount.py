"""Putting the API into an application, whichever home it is."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version

import orjson
from flask import Blueprint, Flask, Response, request
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from shopnode.api import (  # noqa: F401 — they register their routes
    api_keys,
    approvals,
    attendance,
    audit,
    auth,
    cash_slips,
    closures,
    coming_money,
    commissions,
    counter_events,
    customer_accounts,
    customers,
    devices,
    drawers,
    expenses,
    financiers,
    fraud_signals,
    imports,
    jobs,
    notifications,
    orders,
    papers,
    plans,
    price_lists,
    products,
    repair_roads,
    repair_transfers,
    repair_waiting,
    repairs,
    returns,
    sales,
    second_proof,
    settings,
    staff,
    staff_activity,
    staff_data,
    stock,
    stocktakes,
    supplier_returns,
    suppliers,
    tradeins,
)
from shopnode.api.accounts import Accounts
from shopnode.api.calls import view_function
from shopnode.api.openapi import build_document
from shopnode.api.problems import problem_response
from shopnode.api.routing import ROUTES
from shopnode.domain.errors import ShopError
from shopnode.web.ui.access import Access, Open

DOCUMENT = "openapi"


def create_api(app: Flask, accounts: Accounts, *, prefix: str = "/api", session_cookie: str = "session") -> Blueprint:
    """Mount the API at the prefix. `g.ctx` must be set before its views run, for whoever is signed in."""
    blueprint = Blueprint("api", __name__, url_prefix=prefix)
    for route in ROUTES:
        blueprint.add_url_rule(
            route.address,
            endpoint=route.name,
            view_func=view_function(route),
            methods=[route.method],
            provide_automatic_options=False,
        )

    def openapi() -> Response:
        return Response(_document(prefix, session_cookie), content_type="application/json")

    blueprint.add_url_rule("/openapi.json", endpoint=DOCUMENT, view_func=openapi, provide_automatic_options=False)
    blueprint.register_error_handler(ShopError, problem_response)
    blueprint.register_error_handler(HTTPException, problem_response)
    app.extensions[auth.ACCOUNTS] = accounts
    app.before_request(_unknown_address(prefix + "/"))
    app.register_blueprint(blueprint)
    return blueprint


@cache
def _document(prefix: str, session_cookie: str) -> bytes:
    """Written when somebody asks for it: a node that starts does not need it."""
    return orjson.dumps(build_document(ROUTES, prefix, version("phoneshop"), session_cookie))


def who_may() -> Access:
    """Every endpoint of the API and what it needs, for the application's table of who may open what."""
    return {f"api.{DOCUMENT}": Open.PUBLIC} | {f"api.{route.name}": route.needs for route in ROUTES}


def _unknown_address(prefix: str):  # type: ignore[no-untyped-def]
    """No blueprint stands for an unknown address, so its refusal is made here, in the API's own shape."""

    def refuse() -> Response | None:
        error = request.routing_exception
        if error is None or isinstance(error, RequestRedirect) or not request.path.startswith(prefix):
            return None
        return problem_response(error)

    return refuse

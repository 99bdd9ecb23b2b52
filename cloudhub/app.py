"""The hub as a web application: the nodes' door, the owner's portal where it is installed, and a health check."""

from __future__ import annotations

import importlib.util

from flask import Flask, jsonify
from flask import Response as HttpResponse
from sqlalchemy import text

from cloudhub.calls.blueprint import sync_blueprint
from cloudhub.hub import Hub

REQUEST_BYTES_MAX = 16 * 1024 * 1024  # a catalogue that is imported; the nodes' door has its own, smaller cap


def create_app(hub: Hub) -> Flask:
    """The application of this hub. Everything a view needs hangs on `app.extensions["hub"]`."""
    app = Flask("cloudhub", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = REQUEST_BYTES_MAX
    app.extensions["hub"] = hub
    app.register_blueprint(sync_blueprint(hub))
    app.add_url_rule("/health", "health", lambda: _health(hub))
    if importlib.util.find_spec("cloudhub.portal.screens"):
        importlib.import_module("cloudhub.portal.screens").mount_portal(app, hub)
    return app


def _health(hub: Hub) -> tuple[HttpResponse, int]:
    """Whether the hub can do its work; for the machine that watches it."""
    try:
        with hub.database.gate() as session:
            session.execute(text("SELECT 1"))
    except Exception:  # whatever it is, the answer is the same
        return jsonify(status="no database"), 503
    return jsonify(status="ok"), 200

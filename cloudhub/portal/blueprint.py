"""The portal's addresses, registered by the modules beside this one."""

from __future__ import annotations

from flask import Blueprint, current_app

from cloudhub.hub import Hub

COOKIE = "portal"
bp = Blueprint("portal", __name__, template_folder="templates")


def this_hub() -> Hub:
    """The hub this application belongs to."""
    hub: Hub = current_app.extensions["hub"]
    return hub

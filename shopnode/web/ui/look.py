"""Gives an app the look: the templates under `ui/`, `asset()`, the words for money and time, the places to go.

Both homes call `install_look()` once. Templates then have
    asset(name)          the address of a built file
    places()             the navigation, with the places this person may enter
    new_id()             a fresh action id, for the form that will carry it
    theme                "light", "dark" or "" for what the device wishes
and the filters `minor`, `moment`, `clock`, `day`, `exact`, `since`, `initials`.
How amounts and instants read depends on the shop: the home passes a function that names its currency and zone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from flask import Blueprint, Flask, g, request, url_for
from werkzeug.routing import BaseConverter

from shopnode.web.ui import words
from shopnode.web.ui.assets import serve_assets
from shopnode.web.ui.places import Group, open_groups

DIST = Path(__file__).parent / "static" / "dist"
THEMES = ("light", "dark")
ID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


class AssetMissing(Exception):
    """A template names a file the build did not make: run the front-end build, or mend the name."""

    def __init__(self, name: str):
        super().__init__(f"{name} is not in the build. Run `npm run build`.")


class Assets:
    """Plain name → hashed name, read from the build's manifest.

    The manifest is read again when it changed, so a build while the server runs is seen.
    """

    def __init__(self, dist: Path = DIST) -> None:
        self._manifest = dist / "manifest.json"
        self._read_at_ns = -1
        self._names: dict[str, str] = {}

    def hashed(self, name: str) -> str:
        try:
            changed_at_ns = self._manifest.stat().st_mtime_ns
        except FileNotFoundError:  # a build is putting itself in place of the last one
            if name not in self._names:
                raise AssetMissing(name) from None
            return self._names[name]
        if changed_at_ns != self._read_at_ns:
            self._names = json.loads(self._manifest.read_bytes())
            self._read_at_ns = changed_at_ns
        if name not in self._names:
            raise AssetMissing(name)
        return self._names[name]


class IdConverter(BaseConverter):
    """A record's id in an address; whatever is none has no page."""

    regex = ID


def install_look(
    app: Flask, groups: Sequence[Group], manner: Callable[[], words.Manner], new_id: Callable[[], str]
) -> None:
    """Register templates, globals and filters.

    groups  the home's places, in order
    manner  currency, zone and time of the current request
    new_id  makes the ids by which a form pressed twice is known as one
    """
    app.url_map.converters["id"] = IdConverter
    assets = Assets()
    blueprint = Blueprint("ui", __name__, template_folder="templates")
    serve_assets(blueprint, DIST)
    app.register_blueprint(blueprint)
    app.jinja_env.globals["asset"] = lambda name: _address(assets, name)
    app.jinja_env.globals["places"] = lambda: open_groups(app, groups, _permissions(), request.endpoint or "")
    app.jinja_env.globals["new_id"] = new_id
    app.jinja_env.filters.update(words.filters(manner))
    app.context_processor(lambda: {"theme": _theme()})


def _address(assets: Assets, name: str) -> str:
    """Where a file of the build is. Found once for a page, which may show an icon in every row."""
    known: dict[str, str] = g.setdefault("assets", {})
    if name not in known:
        known[name] = url_for("ui.static", filename=assets.hashed(name))
    return known[name]


def _permissions() -> Collection[str]:
    """What this person may do; nothing while nobody is signed in."""
    context = g.get("ctx")
    return context.actor.permissions if context is not None and context.actor is not None else ()


def _theme() -> str:
    wish = request.cookies.get("theme", "")
    return wish if wish in THEMES else ""

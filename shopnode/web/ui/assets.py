"""The built files: served with their hash in the name, so kept for ever, and compressed at build time."""

from __future__ import annotations

import mimetypes
from pathlib import Path

from flask import Blueprint, Response, request
from werkzeug.exceptions import NotFound
from werkzeug.security import safe_join

from shopnode.web.ui.defence import YEAR_S

mimetypes.add_type("text/javascript", ".js")
mimetypes.add_type("image/svg+xml", ".svg")


def serve_assets(blueprint: Blueprint, dist: Path) -> None:
    """Answer `/static/dist/*` as endpoint `static`, by the .gz twin where the browser takes it."""

    @blueprint.get("/static/dist/<path:filename>", endpoint="static")
    def static(filename: str) -> Response:
        path = safe_join(str(dist), filename)
        if path is None or "\0" in path or not Path(path).is_file():
            raise NotFound
        twin = Path(f"{path}.gz")
        has_twin = twin.is_file()
        is_squeezed = has_twin and "gzip" in request.headers.get("Accept-Encoding", "")
        kind = mimetypes.guess_type(filename)[0] or "application/octet-stream"
        response = Response((twin if is_squeezed else Path(path)).read_bytes(), mimetype=kind)
        response.headers["Cache-Control"] = f"public, max-age={YEAR_S}, immutable"
        if has_twin:
            response.headers["Vary"] = "Accept-Encoding"
        if is_squeezed:
            response.headers["Content-Encoding"] = "gzip"
        return response

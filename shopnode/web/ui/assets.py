"""The built files: served with their hash in the name, so kept for ever, and compressed at build time."""

from __future__ import annotations

import mimetypes
from pathlib import Path

from flask import Blueprint, Response, request, send_from_directory

from shopnode.web.ui.defence import YEAR_S

mimetypes.add_type("text/javascript", ".js")
mimetypes.add_type("image/svg+xml", ".svg")


def serve_assets(blueprint: Blueprint, dist: Path) -> None:
    """Answer `/static/dist/*` as endpoint `static`, by the .gz twin where the browser takes it."""

    @blueprint.get("/static/dist/<path:filename>", endpoint="static")
    def static(filename: str) -> Response:
        has_twin = (dist / f"{filename}.gz").is_file() and not filename.endswith(".gz")
        takes_gzip = "gzip" in request.headers.get("Accept-Encoding", "")
        name = f"{filename}.gz" if has_twin and takes_gzip else filename
        kind = mimetypes.guess_type(filename)[0] or "application/octet-stream"
        response = send_from_directory(dist, name, mimetype=kind, conditional=False, etag=False, max_age=YEAR_S)
        response.headers["Cache-Control"] = f"public, max-age={YEAR_S}, immutable"
        if has_twin:
            response.headers["Vary"] = "Accept-Encoding"
        if name != filename:
            response.headers["Content-Encoding"] = "gzip"
        return response

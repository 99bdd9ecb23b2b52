"""Sending and its other way: how the exchange with the hub stands, and what a shop without internet does instead."""

from __future__ import annotations

import io

from flask import Response, g, request, url_for

from shopnode.domain.errors import Invalid, ShopError
from shopnode.sync.carried import Loaded
from shopnode.web.counter.home import this_node
from shopnode.web.counter.status import bp, link_view
from shopnode.web.ui.frame import manner, page
from shopnode.web.ui.refusals import field_errors, on_refusal
from shopnode.web.ui.request import read_again


@bp.get("/status/sending")
def sending() -> str:
    """What waits, and the two buttons for files."""
    return _page()


@bp.post("/status/sending/file")
def save_file() -> Response:
    """What the hub has not acknowledged, to be carried there."""
    on_refusal(lambda error: _page(_words(error)))
    node = this_node()
    file = io.BytesIO()
    node.sync.save_file(file)
    answer = Response(file.getvalue(), content_type="application/octet-stream")
    name = f"{node.home.series}-{manner().now:%Y-%m-%d-%H%M}.shop"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


@bp.post("/status/sending/answer")
def load_answer() -> str:
    """What the hub answered to such a file."""
    on_refusal(lambda error: _page(_words(error)))
    file = request.files.get("file")
    if file is None or not file.filename:
        raise Invalid({"file": "Choose the file that came back from the hub."})
    told = this_node().sync.load_file(file.stream)
    read_again()
    return _page(told=told)


def _words(error: ShopError) -> str:
    return " ".join(field_errors(error).values()) or str(error)


def _page(refused: str | None = None, told: Loaded | None = None) -> str:
    return page(
        "counter/sending.html", link=link_view(g.ctx.session), refused=refused, told=told,
        crumbs=[("Sending", url_for("status.sending"))],
    )  # fmt: skip

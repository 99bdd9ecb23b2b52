"""Transfers as signed files, for shops that both have no internet: saved by the sender, loaded by the receiver.

Whoever loaded one receives what really arrived, as with any transfer.
"""

from __future__ import annotations

from flask import Response, g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from shopnode.domain.errors import Invalid, ShopError
from shopnode.domain.handsets.transit import transfer_view
from shopnode.domain.permissions import Permission
from shopnode.domain.stock.manifests import keys_of
from shopnode.sync.manifests import BYTES_MAX, NotEnrolled, load_manifest, manifest_file, own_key
from shopnode.web.counter.blueprint import bp
from shopnode.web.counter.home import this_node
from shopnode.web.ui.forms import posted_action_id
from shopnode.web.ui.frame import page
from shopnode.web.ui.refusals import field_errors, on_refusal
from shopnode.web.ui.request import act


@bp.get("/transfers/<id:transfer_id>/manifest.transfer")
def manifest_of(transfer_id: str) -> Response:
    """The signed file of a transfer that this shop sent."""
    number = transfer_view(g.ctx, transfer_id).number
    file = manifest_file(g.ctx.session, this_node().home, transfer_id)
    headers = {"Content-Disposition": f'attachment; filename="{number}.transfer"'}
    return Response(file, content_type="application/octet-stream", headers=headers)


@bp.route("/transfers/load", methods=["GET", "POST"])
def load_transfer() -> ResponseReturnValue:
    """Load what another shop saved; then receive it."""
    if request.method == "GET":
        return _page()
    on_refusal(lambda error: _page(_words(error)))
    file = request.files.get("file")
    if file is None or not file.filename:
        raise Invalid({"file": "Choose the file that the other shop saved."})
    loaded = load_manifest(this_node().home, file.stream.read(BYTES_MAX + 1))
    return redirect(url_for("office.transfer", transfer_id=loaded.transfer_id), 303)


@bp.post("/transfers/key")
def tell_manifest_key() -> ResponseReturnValue:
    """Let the other shops believe what this one signs."""
    on_refusal(lambda error: _page(_words(error)))
    form = {"public_key": own_key(g.ctx.session)}
    act("transfers.tell_key", form, action_id=posted_action_id(dict(request.form)))
    return redirect(url_for("counter.load_transfer"), 303)


def _words(error: ShopError) -> str:
    return " ".join(field_errors(error).values()) or str(error)


def _page(refused: str | None = None) -> str:
    try:
        is_told = keys_of(g.ctx.session, str(g.ctx.shop_id))[:1] == [own_key(g.ctx.session)]
        is_enrolled = True
    except NotEnrolled:
        is_told = is_enrolled = False
    return page(
        "counter/load_transfer.html", refused=refused, is_told=is_told, is_enrolled=is_enrolled,
        may_tell=g.ctx.may(Permission.SETTINGS_UPDATE),
        crumbs=[("Transfers", url_for("office.transfers")), ("Load a file", None)],
    )  # fmt: skip

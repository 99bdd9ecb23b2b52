"""A shop's file, loaded in the portal: what it brought is taken, and the answer is saved for the way back."""

from __future__ import annotations

import io

from flask import Response, g, request

from cloudhub.carried import take_file as take
from cloudhub.portal.blueprint import bp, this_hub
from cloudhub.portal.nodes import nodes_page
from shopnode.domain.errors import Invalid
from shopnode.web.ui.frame import manner
from shopnode.web.ui.refusals import field_errors, on_refusal

REPLY_BYTES_MAX = 3 * 1024 * 1024  # what a shop's computer takes in its browser, with room for the form around it


@bp.post("/nodes/file")
def take_file() -> Response:
    """Take a file of one of this business's shops; the answer to it is the download."""
    on_refusal(lambda error: nodes_page(" ".join(field_errors(error).values())))
    file = request.files.get("file")
    if file is None or not file.filename:
        raise Invalid({"file": "Choose a file that a shop has saved."})
    reply = io.BytesIO()
    taken = take(this_hub(), file.stream, reply, bytes_max=REPLY_BYTES_MAX, tenant_id=g.portal_user.tenant_id)
    answer = Response(reply.getvalue(), content_type="application/octet-stream")
    name = f"{taken.device}-{manner().now:%Y-%m-%d-%H%M}.answer"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer

"""Photos and signatures that a form sends as files, as actions take them: each as base64.

What they are is judged where they are kept; here only how much is read is bounded.
"""

from __future__ import annotations

import base64

from flask import Response, g, request

from shopnode.domain.errors import Invalid, NotFound
from shopnode.domain.photos.rules import MIME, UPLOAD_BYTES_MAX
from shopnode.domain.photos.store import photo_or_none
from shopnode.web.ui.defence import YEAR_S

BESIDE_BYTES_MAX = 200_000  # what else such a form holds
SIGNATURE = "signature"


def allow_pictures(most: int) -> None:
    """Let this request be as large as so many pictures are. Before anything of the form is read."""
    request.max_content_length = most * UPLOAD_BYTES_MAX + BESIDE_BYTES_MAX


def sent_photos(name: str, called: str = "photos") -> list[str]:
    """The chosen photos. Raises Invalid, naming the field as `called`."""
    found = []
    for file in request.files.getlist(name):
        content = file.stream.read(UPLOAD_BYTES_MAX + 1)
        if len(content) > UPLOAD_BYTES_MAX:
            raise Invalid({called: f"are too large; choose photos up to {UPLOAD_BYTES_MAX // 2**20} MB"})
        if content:
            found.append(base64.b64encode(content).decode())
    return found


def sent_signature(name: str = SIGNATURE, called: str = SIGNATURE) -> str | None:
    """What was drawn, None where nothing was. Raises Invalid."""
    return next(iter(sent_photos(name, called)), None)


def about_pictures(errors: dict[str, str]) -> dict[str, str]:
    """The errors with those of single photos under "photos", where the form shows them."""
    return {"photos" if name.startswith("photos.") else name: words for name, words in errors.items()}


def kept_photo(name: str | None) -> Response:
    """A photo that is kept here. Its name is its content, so the browser keeps it for ever. Raises NotFound."""
    blob = photo_or_none(g.ctx.session, name) if name else None
    if blob is None:
        raise NotFound("This photo")
    answer = Response(blob.content, mimetype=blob.mime or MIME)
    answer.headers["Cache-Control"] = f"private, max-age={YEAR_S}, immutable"
    return answer

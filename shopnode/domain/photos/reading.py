"""Photos as they come in a form: base64, made small and upright before anything is kept."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated

from pydantic import Field

from shopnode.domain.errors import Invalid
from shopnode.domain.params import Optionally
from shopnode.domain.photos.rules import UPLOAD_BYTES_MAX, Photo, UnusablePhoto, make_photo

Upload = Annotated[Annotated[str, Field(max_length=UPLOAD_BYTES_MAX * 4 // 3 + 4)] | None, Optionally]


def read_photo(image: str, field: str = "image") -> Photo:
    """The photo in a base64 text. Raises Invalid, naming the field it came in."""
    try:
        return make_photo(base64.b64decode(image, validate=True))
    except UnusablePhoto as unusable:
        raise Invalid({field: str(unusable)}) from None
    except (ValueError, binascii.Error):
        raise Invalid({field: "is not a file"}) from None

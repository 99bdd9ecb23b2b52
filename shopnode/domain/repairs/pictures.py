"""Photos and signatures of a ticket: made small, kept in the shop that took them, told as events."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence

from shopnode.domain.context import Context
from shopnode.domain.errors import Invalid
from shopnode.domain.photos.rules import UnusablePhoto, make_photo
from shopnode.domain.photos.store import keep_photo
from shopnode.domain.repairs.events import tell
from shopnode.domain.repairs.models import RepairEventKind, RepairTicket


def keep_photos(ctx: Context, ticket: RepairTicket, images: Sequence[str], note: str | None = None) -> None:
    """Photos, an event each. Raises Invalid."""
    for place, image in enumerate(images):
        tell(ctx, ticket, RepairEventKind.PHOTO, photo=_kept(ctx, f"photos.{place}", image), note=note)


def keep_signature(ctx: Context, ticket: RepairTicket, image: str, of_what: str) -> None:
    """What the customer signed, and for what. Raises Invalid."""
    tell(ctx, ticket, RepairEventKind.SIGNATURE, photo=_kept(ctx, "signature", image), note=of_what)


def _kept(ctx: Context, place: str, image: str) -> str:
    try:
        photo = make_photo(base64.b64decode(image, validate=True))
    except UnusablePhoto as unusable:
        raise Invalid({place: str(unusable)}) from None
    except (ValueError, binascii.Error):
        raise Invalid({place: "is not a file"}) from None
    keep_photo(ctx.session, photo, ctx.now)
    return photo.sha256

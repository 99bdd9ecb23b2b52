"""Photos and signatures of a ticket: made small, kept in the shop that took them, told as events."""

from __future__ import annotations

from collections.abc import Sequence

from shopnode.domain.context import Context
from shopnode.domain.photos.reading import read_photo
from shopnode.domain.photos.store import keep_photo
from shopnode.domain.repairs.events import tell
from shopnode.domain.repairs.models import RepairEventKind, RepairTicket


def keep_photos(ctx: Context, ticket: RepairTicket, images: Sequence[str], note: str | None = None) -> None:
    """Photos, an event each. Raises Invalid."""
    for place, image in enumerate(images):
        _keep(ctx, ticket, RepairEventKind.PHOTO, f"photos.{place}", image, note)


def keep_signature(ctx: Context, ticket: RepairTicket, image: str, of_what: str) -> None:
    """What the customer signed, and for what. Raises Invalid."""
    _keep(ctx, ticket, RepairEventKind.SIGNATURE, "signature", image, of_what)


def _keep(ctx: Context, ticket: RepairTicket, kind: RepairEventKind, field: str, image: str, note: str | None) -> None:
    photo = read_photo(image, field)
    keep_photo(ctx.session, photo, ctx.now)
    tell(ctx, ticket, kind, photo=photo.sha256, note=note)

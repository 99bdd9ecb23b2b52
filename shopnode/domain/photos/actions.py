"""Giving a product its photo, or taking it away."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Any

from pydantic import Field

from shopnode.domain.actions import action
from shopnode.domain.catalogue.queries import find_product
from shopnode.domain.context import Context
from shopnode.domain.errors import Invalid
from shopnode.domain.homes import Where
from shopnode.domain.params import IdText, Optionally, Params
from shopnode.domain.permissions import Permission
from shopnode.domain.photos.rules import UPLOAD_BYTES_MAX, UnusablePhoto, make_photo
from shopnode.domain.photos.store import keep_photo


class SetPhoto(Params):
    """A photo as base64, or none to take the product's photo away."""

    product_id: IdText
    image: Annotated[Annotated[str, Field(max_length=UPLOAD_BYTES_MAX * 4 // 3 + 4)] | None, Optionally] = None


@action("products.set_photo", needs=Permission.PRODUCTS_UPDATE, where=Where.ANYWHERE)
def set_photo(ctx: Context, new: SetPhoto) -> dict[str, Any]:
    """Give a product its photo, made small and upright, or take it away."""
    product = find_product(ctx.session, new.product_id)
    ctx.about("product", product.id)
    if new.image is None:
        product.photo = None
        return {"id": product.id, "photo": None}
    try:
        photo = make_photo(base64.b64decode(new.image, validate=True))
    except UnusablePhoto as unusable:
        raise Invalid({"image": str(unusable)}) from None
    except (ValueError, binascii.Error):
        raise Invalid({"image": "is not a file"}) from None
    keep_photo(ctx.session, photo, ctx.now)
    product.photo = photo.sha256
    return {"id": product.id, "photo": photo.sha256}

"""A product's photo: shown where it has arrived, chosen, taken away."""

from __future__ import annotations

import base64

from flask import Response, g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from shopnode.domain.catalogue.queries import find_product, product_view
from shopnode.domain.errors import Invalid, ShopError
from shopnode.domain.photos.rules import UPLOAD_BYTES_MAX
from shopnode.web.office.blueprint import bp
from shopnode.web.office.products import product_page
from shopnode.web.ui.forms import posted, posted_action_id
from shopnode.web.ui.pictures import kept_photo
from shopnode.web.ui.refusals import on_refusal
from shopnode.web.ui.request import act


@bp.get("/products/<id:product_id>/photo/<name>")
def product_photo(product_id: str, name: str) -> Response:
    """The photo itself, while it is the product's."""
    product = find_product(g.ctx.session, product_id)
    return kept_photo(name if product.photo == name else None)


@bp.post("/products/<id:product_id>/photo")
def set_photo(product_id: str) -> ResponseReturnValue:
    """Give the product another photo, or take its photo away."""
    typed, known = posted(), product_view(g.ctx, product_id)
    on_refusal(lambda error: product_page(known, {"": _words(error)}))
    image = None if "remove" in typed else _chosen()
    act("products.set_photo", {"product_id": product_id, "image": image}, action_id=posted_action_id(typed))
    return redirect(url_for("office.product", product_id=product_id), 303)


def _chosen() -> str:
    file = request.files.get("image")
    if file is None or not file.filename:
        raise Invalid({"image": "was not chosen"})
    content = file.stream.read(UPLOAD_BYTES_MAX + 1)
    if len(content) > UPLOAD_BYTES_MAX:
        raise Invalid({"image": f"is larger than {UPLOAD_BYTES_MAX // 2**20} MB; choose a smaller photo"})
    if not content:
        raise Invalid({"image": "is not a photo: the file is empty"})
    return base64.b64encode(content).decode()


def _words(error: ShopError) -> str:
    if isinstance(error, Invalid) and "image" in error.fields:
        return f"The photo {error.fields['image']}."
    return str(error)

"""A product's photo in the office: chosen, shown, refused in words, and for those who may."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image

from shopnode.domain.catalogue.models import Product
from shopnode.domain.photos.models import Blob
from tests.domain.till import Till, open_till
from tests.shop import Shop
from tests.web.conftest import OURS, words


def picture(kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (64, 48), "teal").save(file, kind)
    return file.getvalue()


@pytest.fixture
def till(shop: Shop) -> Till:
    return open_till(shop)


def choose(browser: Any, product_id: str, content: bytes, name: str = "photo.png") -> Any:
    data = {"image": (io.BytesIO(content), name)}
    path = f"/products/{product_id}/photo"
    return browser.client.post(path, data=data, headers=OURS, content_type="multipart/form-data")


def test_a_chosen_photo_is_shown(sarah: Any, shop: Shop, till: Till) -> None:
    assert choose(sarah, till.glass, picture()).status_code == 303
    name = shop.row(Product, till.glass).photo
    address = f"/products/{till.glass}/photo/{name}"
    assert address in sarah.get(f"/products/{till.glass}").text
    answer = sarah.get(address)
    assert (answer.status_code, answer.mimetype) == (200, "image/webp")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "immutable" in answer.headers["Cache-Control"]
    assert Image.open(io.BytesIO(answer.data)).size == (64, 48)
    assert sarah.post(f"/products/{till.glass}/photo", remove="true").status_code == 303
    assert shop.row(Product, till.glass).photo is None
    assert sarah.get(address).status_code == 404


def test_a_photo_whose_bytes_are_on_their_way_is_said_so(sarah: Any, shop: Shop, till: Till) -> None:
    choose(sarah, till.glass, picture())
    name = shop.row(Product, till.glass).photo
    with shop.home.writing() as session:
        session.execute(Blob.__table__.delete())
    assert "on its way" in words(sarah.get(f"/products/{till.glass}"))
    assert sarah.get(f"/products/{till.glass}/photo/{name}").status_code == 404


@pytest.mark.parametrize(("content", "said"), [(b"%PDF-1.4", "is not a photo"), (b"", "is not a photo")])
def test_what_is_no_photo_is_refused_on_the_page(sarah: Any, shop: Shop, till: Till, content: bytes, said: str) -> None:
    answer = choose(sarah, till.glass, content)
    assert answer.status_code == 422
    assert said in words(answer)
    assert "was not chosen" in words(choose(sarah, till.glass, b"", name=""))
    assert shop.row(Product, till.glass).photo is None


def test_photos_are_seen_by_all_and_chosen_by_owners(sarah: Any, aisha: Any, shop: Shop, till: Till) -> None:
    assert choose(aisha, till.glass, picture()).status_code == 403
    choose(sarah, till.glass, picture())
    name = shop.row(Product, till.glass).photo
    assert aisha.get(f"/products/{till.glass}/photo/{name}").status_code == 200
    assert "Choose another photo" not in aisha.get(f"/products/{till.glass}").text


def test_a_photo_is_given_for_its_own_product_alone(sarah: Any, shop: Shop, till: Till) -> None:
    choose(sarah, till.glass, picture())
    name = shop.row(Product, till.glass).photo
    other = shop.perform("products.create", {"name": "Cable", "category": "Cables", "price_minor": 1_000}).result["id"]
    assert sarah.get(f"/products/{other}/photo/{name}").status_code == 404

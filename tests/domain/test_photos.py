"""Photos: made small and upright here, named by their bytes, refused in words when they are none."""

from __future__ import annotations

import base64
import io
from hashlib import sha256

import pytest
from PIL import Image
from sqlalchemy import select

from shopnode.domain.catalogue.models import Product
from shopnode.domain.clock import to_datetime
from shopnode.domain.errors import Invalid
from shopnode.domain.permissions import Role
from shopnode.domain.photos.models import Blob
from shopnode.domain.photos.rules import (
    PHOTO_BYTES_MAX,
    SIDE_PX_MAX,
    UPLOAD_BYTES_MAX,
    UnusablePhoto,
    kind_of,
    make_photo,
)
from shopnode.domain.photos.store import (
    WrongContent,
    begun,
    forget_part,
    missing,
    photo_or_none,
    read_chunk,
    take_chunk,
    whole,
)
from tests.domain.till import open_till


def picture(width=60, height=40, kind="PNG", mode="RGB", noise=False, **options):
    image = Image.effect_noise((width, height), 100).convert(mode) if noise else Image.new(mode, (width, height), 120)
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def text(content):
    return base64.b64encode(content).decode()


def opened(photo):
    return Image.open(io.BytesIO(photo.content))


# Making one


@pytest.mark.parametrize(
    ("kind", "mode"), [("PNG", "RGBA"), ("PNG", "P"), ("JPEG", "RGB"), ("JPEG", "L"), ("WEBP", "RGB")]
)
def test_what_people_choose_becomes_a_small_photo(kind, mode):
    photo = make_photo(picture(3_000, 1_500, kind, mode))
    assert opened(photo).size == (SIDE_PX_MAX, SIDE_PX_MAX // 2)
    assert len(photo.content) <= PHOTO_BYTES_MAX
    assert photo.sha256 == sha256(photo.content).hexdigest()
    assert kind_of(photo.content) == photo.mime == "image/webp"


def test_a_photo_that_compresses_badly_still_fits():
    assert len(make_photo(picture(1_600, 1_600, "JPEG", noise=True, quality=95)).content) <= PHOTO_BYTES_MAX


def test_a_photo_taken_sideways_stands_upright_and_says_nothing_of_where_it_was_taken():
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    exif[0x010F] = "A camera"
    photo = make_photo(picture(60, 40, "JPEG", exif=exif.tobytes()))
    assert opened(photo).size == (40, 60)
    assert not opened(photo).getexif()


def test_a_small_photo_is_not_blown_up():
    assert opened(make_photo(picture(30, 20))).size == (30, 20)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "not a photo"),
        (b"%PDF-1.7 not a picture", "not a photo"),
        (picture(kind="GIF", mode="L"), "not a photo"),
        (picture(kind="TIFF"), "not a photo"),
        (picture(400, 400, "JPEG", noise=True)[:2_000], "damaged"),
        (picture(5_000, 4_000, "PNG", "1"), "too many pixels"),
        (bytes(UPLOAD_BYTES_MAX + 1), "larger than 4 MB"),
    ],
)
def test_what_is_no_photo_is_refused_in_words(content, words):
    with pytest.raises(UnusablePhoto, match=words):
        make_photo(content)


def test_a_flood_of_pixels_is_refused_before_anything_is_unpacked(monkeypatch):
    """A few kilobytes that claim 400 million pixels."""
    bomb = picture(20_000, 20_000, "PNG", "1")
    assert len(bomb) < 200_000
    monkeypatch.setattr(Image.Image, "load", lambda image: pytest.fail("was unpacked"))
    monkeypatch.setattr("PIL.PngImagePlugin.PngImageFile.load", lambda image: pytest.fail("was unpacked"))
    with pytest.raises(UnusablePhoto, match="too many pixels"):
        make_photo(bomb)


# The action


def blobs(shop):
    with shop.home.reading() as session:
        return {blob.sha256: blob for blob in session.scalars(select(Blob))}


def test_a_product_gets_its_photo_and_only_the_name_travels(shop):
    till = open_till(shop)
    done = shop.perform("products.set_photo", {"product_id": till.glass, "image": text(picture())})
    name = done.result["photo"]
    assert shop.row(Product, till.glass).photo == name
    assert shop.changes("product")[-1].fields == {"photo": name}
    assert len(shop.entries()[-1].body) < 1_000
    assert blobs(shop)[name].whole_at is not None
    shop.perform("products.set_photo", {"product_id": till.glass, "image": None})
    assert shop.row(Product, till.glass).photo is None


def test_the_same_photo_twice_is_kept_once(shop):
    till = open_till(shop)
    for _ in range(2):
        shop.perform("products.set_photo", {"product_id": till.glass, "image": text(picture())})
    assert len(blobs(shop)) == 1


@pytest.mark.parametrize("image", ["not base64!", text(b"no photo")])
def test_a_wrong_file_leaves_everything_as_it_was(shop, image):
    till = open_till(shop)
    before = len(shop.entries())
    with pytest.raises(Invalid):
        shop.perform("products.set_photo", {"product_id": till.glass, "image": image})
    assert (len(shop.entries()), blobs(shop)) == (before, {})


def test_staff_may_not_change_photos(shop):
    till = open_till(shop)
    with pytest.raises(Exception, match="role"):
        shop.perform("products.set_photo", {"product_id": till.glass, "image": text(picture())}, role=Role.STAFF)


# Arriving in parts

NOW = to_datetime(1_790_000_000_000)


def take(shop, *given):
    with shop.home.writing() as session:
        return take_chunk(session, *given, NOW)


def test_parts_come_in_order_again_and_out_of_order(shop):
    photo = make_photo(picture(90, 90, noise=True))
    name, content, size = photo.sha256, photo.content, len(photo.content)
    third = size // 3
    assert take(shop, name, third, content[third:], size).offset == 0  # not the beginning: nothing happens
    assert take(shop, name, 0, content[:third], size).offset == third
    assert take(shop, name, 0, content[:third], size).offset == third  # the answer was lost
    with shop.home.reading() as session:
        assert photo_or_none(session, name) is None
        assert begun(session, [name]) == {name: third}
    done = take(shop, name, third, content[third:], size)
    assert (done.offset, done.is_whole) == (size, True)
    assert take(shop, name, 0, content[:third], size).is_whole
    with shop.home.reading() as session:
        assert photo_or_none(session, name).content == content
        assert whole(session, [name]) == {name: size}


def test_what_is_not_what_its_name_says_is_thrown_away(shop):
    photo = make_photo(picture(90, 90, noise=True))
    size = len(photo.content)
    wrong = bytes(reversed(photo.content))
    with pytest.raises(WrongContent):
        take(shop, photo.sha256, 0, wrong, size)
    with pytest.raises(WrongContent):
        take(shop, photo.sha256, 0, photo.content, size - 1)
    with pytest.raises(WrongContent):
        take(shop, photo.sha256, 0, b"x", PHOTO_BYTES_MAX + 1)
    page = b"<script>alert(1)</script>"
    with pytest.raises(WrongContent):
        take(shop, sha256(page).hexdigest(), 0, page, len(page))
    take(shop, photo.sha256, 0, wrong[:10], size)
    with shop.home.writing() as session:
        forget_part(session, photo.sha256)
    assert take(shop, photo.sha256, 0, photo.content, size).is_whole


def test_only_what_some_row_shows_is_given_and_asked_for(shop):
    till = open_till(shop)
    done = shop.perform("products.set_photo", {"product_id": till.glass, "image": text(picture())})
    name = done.result["photo"]
    content = blobs(shop)[name].content
    with shop.home.reading() as session:
        assert read_chunk(session, name, 0, 10) == content[:10]
        assert read_chunk(session, name, 10, 10**6) == content[10:]
        assert read_chunk(session, name, len(content), 10) == b""
        assert missing(session, 10) == []
    with shop.home.writing() as session:
        session.execute(Blob.__table__.delete())
    with shop.home.reading() as session:
        assert missing(session, 10) == [name]
        assert read_chunk(session, name, 0, 10) is None
    shop.perform("products.archive", {"product_id": till.glass})
    with shop.home.reading() as session:
        assert missing(session, 10) == []


def test_a_photo_that_nothing_shows_any_more_is_given_to_nobody(shop):
    till = open_till(shop)
    done = shop.perform("products.set_photo", {"product_id": till.glass, "image": text(picture())})
    shop.perform("products.set_photo", {"product_id": till.glass, "image": None})
    with shop.home.reading() as session:
        assert read_chunk(session, done.result["photo"], 0, 10) is None

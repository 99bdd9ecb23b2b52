"""Making a photo fit to be sent: upright, small, without what the camera wrote beside it. Pure: bytes in, bytes out."""

from __future__ import annotations

import io
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from PIL import Image, ImageOps, UnidentifiedImageError

SIDE_PX_MAX = 1024
PHOTO_BYTES_MAX = 200 * 1024
UPLOAD_BYTES_MAX = 4 * 1024 * 1024
PIXELS_MAX = {"JPEG": 80_000_000, "PNG": 16_000_000, "WEBP": 16_000_000}  # a JPEG is read small, the others whole
QUALITIES = (80, 65, 50, 35)
SHRINK = 3, 4  # each time the lowest quality is still too large
KINDS = {b"\xff\xd8\xff": "image/jpeg", b"RIFF": "image/webp"}
MIME = "image/webp"
TOO_MANY_PIXELS = "has too many pixels; choose a smaller photo"


class UnusablePhoto(ValueError):
    """Why a file is not taken as a photo, in words."""


@dataclass(frozen=True)
class Photo:
    """A photo ready to be kept."""

    sha256: str
    content: bytes
    mime: str = MIME


def make_photo(upload: bytes) -> Photo:
    """The photo to keep of a file that somebody chose. Raises UnusablePhoto."""
    if len(upload) > UPLOAD_BYTES_MAX:
        raise UnusablePhoto(f"is larger than {UPLOAD_BYTES_MAX // 2**20} MB; choose a smaller photo")
    image = _read(upload)
    content = _encode(image)
    return Photo(sha256(content).hexdigest(), content)


def kind_of(content: bytes) -> str | None:
    """The type of a photo by its first bytes, None for what nobody should be shown as a photo."""
    found = next((mime for start, mime in KINDS.items() if content.startswith(start)), None)
    return None if found == MIME and content[8:12] != b"WEBP" else found


def _read(upload: bytes) -> Image.Image:
    try:
        image = Image.open(io.BytesIO(upload), formats=tuple(PIXELS_MAX))
        _check_size(image)
        image.draft("RGB", (SIDE_PX_MAX, SIDE_PX_MAX))
        image.load()
    except UnusablePhoto:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise UnusablePhoto(TOO_MANY_PIXELS) from None
    except UnidentifiedImageError:
        raise UnusablePhoto("is not a photo: choose a JPEG, PNG or WebP file") from None
    except Exception:  # a decoder may raise anything on bytes made to break it
        raise UnusablePhoto("is a damaged photo; choose another") from None
    return _plain(ImageOps.exif_transpose(image) or image)


def _check_size(image: Image.Image) -> None:
    """Before anything is unpacked: a small file can claim to be as large as a house."""
    if image.width * image.height > PIXELS_MAX[image.format or ""]:
        raise UnusablePhoto(TOO_MANY_PIXELS)


def _plain(image: Image.Image) -> Image.Image:
    """Without transparency, palettes and metadata, within the size."""
    image.thumbnail((SIDE_PX_MAX, SIDE_PX_MAX))
    if image.mode in ("RGBA", "LA", "PA", "P"):
        clear = image.convert("RGBA")
        image = Image.new("RGB", clear.size, "white")
        image.paste(clear, mask=clear.getchannel("A"))
    return image.convert("RGB")


def _encode(image: Image.Image) -> bytes:
    while True:
        for quality in QUALITIES:
            file: Any = io.BytesIO()
            image.save(file, "WEBP", quality=quality, method=4)
            if file.tell() <= PHOTO_BYTES_MAX:
                return bytes(file.getvalue())
        image = image.resize(
            (max(1, image.width * SHRINK[0] // SHRINK[1]), max(1, image.height * SHRINK[0] // SHRINK[1]))
        )

"""Which font draws a text that no printer page can spell, and the letters of a preview.

Fonts are not part of this project. What the machine has installed comes first: Windows has a font for every script;
Debian's are fonts-dejavu-core (also Arabic), fonts-noto-core and fonts-noto-cjk. `reportlab` brings Vera, which has
every Latin letter, so a bare machine still previews and draws those. What no font has is drawn as an empty box, never
left out in silence.
"""

from __future__ import annotations

import importlib.util
from functools import lru_cache
from pathlib import Path

from PIL import ImageFont

_MONO = (
    "/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf",
    "/usr/share/fonts/truetype/liberation/LiberationMono-Regular.ttf",
    "/usr/share/fonts/truetype/liberation2/LiberationMono-Regular.ttf",
    "/usr/share/fonts/truetype/noto/NotoSansMono-Regular.ttf",
    "C:/Windows/Fonts/consola.ttf",
    "/System/Library/Fonts/Menlo.ttc",
)
_SANS_BOLD = ("VeraBd.ttf", "Vera.ttf")  # by boldness; reportlab brings both
_INSTALLED = (
    "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
    "/usr/share/fonts/truetype/noto/NotoSans-Regular.ttf",
    "/usr/share/fonts/truetype/noto/NotoNaskhArabic-Regular.ttf",
    "/usr/share/fonts/truetype/noto/NotoSansEthiopic-Regular.ttf",
    "/usr/share/fonts/truetype/noto/NotoSansDevanagari-Regular.ttf",
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf",
    "/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc",
    "/usr/share/fonts/truetype/unifont/unifont.ttf",
    "C:/Windows/Fonts/segoeui.ttf",
    "C:/Windows/Fonts/tahoma.ttf",
    "C:/Windows/Fonts/msyh.ttc",
    "C:/Windows/Fonts/malgun.ttf",
    "C:/Windows/Fonts/Nirmala.ttf",
    "C:/Windows/Fonts/ebrima.ttf",
    "C:/Windows/Fonts/seguiemj.ttf",
    "C:/Windows/Fonts/seguisym.ttf",
    "/System/Library/Fonts/Supplemental/Arial Unicode.ttf",
)
_NOWHERE = "\U0010ffff"  # a code point no font draws, to learn how a font draws what it lacks

Font = ImageFont.FreeTypeFont


def mono_font(size: int) -> Font:
    """The fixed-width font of previews."""
    path = _first_mono()
    return _load(path, size) if path else _fallback(size)


def font_for(text: str, size: int) -> Font:
    """The font that has most of the text's characters, earlier ones win a tie; plain figures keep the fixed width."""
    if text.isascii():
        return mono_font(size)
    best, best_count = _fallback(size), -1
    wanted = [char for char in text if not char.isspace()]
    for path in _paths():
        count = sum(_covers(path, char) for char in wanted)
        if count > best_count:
            best, best_count = _load(path, size), count
        if count == len(wanted):
            break
    return best


def sans_for(text: str, size: int, bold: bool = False) -> Font:
    """A proportional font for labels, the same on every machine; other scripts get the font that has them."""
    path = _brought_along(_SANS_BOLD[0 if bold else 1])
    if path is None or not all(char.isspace() or _covers(path, char) for char in text):
        return font_for(text, size)
    return _load(path, size)


@lru_cache(maxsize=1)
def _paths() -> tuple[str, ...]:
    first = _first_mono()
    found = [path for path in _INSTALLED if Path(path).is_file()]
    return tuple(path for path in (*found, first, _brought_along()) if path)


@lru_cache(maxsize=1)
def _first_mono() -> str | None:
    return next((path for path in _MONO if Path(path).is_file()), _brought_along())


@lru_cache(maxsize=4)
def _brought_along(name: str = "Vera.ttf") -> str | None:
    spec = importlib.util.find_spec("reportlab")
    for folder in spec.submodule_search_locations or () if spec else ():
        path = Path(folder) / "fonts" / name
        if path.is_file():
            return str(path)
    return None


@lru_cache(maxsize=64)
def _load(path: str, size: int) -> Font:
    return ImageFont.truetype(path, size)


def _fallback(size: int) -> Font:
    font = ImageFont.load_default(size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise RuntimeError("Pillow was built without FreeType; install its wheel")
    return font


@lru_cache(maxsize=8192)
def _covers(path: str, char: str) -> bool:
    font = _load(path, 24)
    return bytes(font.getmask(char)) != bytes(font.getmask(_NOWHERE))

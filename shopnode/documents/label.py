"""Labels for a shelf, a box or a phone: what stands where, in millimetres, the same for printer and PDF.

Invariants:
  * Pure: data in, places out. Nothing stands outside its label or on its bars.
  * The bars are whole: a code that is too long for its label becomes a QR code, never bars too fine to be read.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from shopnode.documents.barcodes import Bars, bars_of
from shopnode.documents.pdf_pen import MM, Type, broken, fit, measure
from shopnode.documents.text import clean

# A thermal printer's dot is an eighth of a millimetre, and bars of one dot are not read: two are the least.
THERMAL_MODULE_MM = 0.25
PDF_MODULE_MM = 0.19  # finer bars are not read by a shop's scanner
MODULE_MAX_MM = 0.33  # EAN at 100 %
QUIET_SHARE_MIN = 0.6  # of the white beside the bars, where a long code leaves no more


class LabelSize(StrEnum):
    """Rolls that shops buy."""

    SMALL = "38x25"
    LARGE = "50x30"

    @property
    def width_mm(self) -> float:
        return 38.0 if self is LabelSize.SMALL else 50.0

    @property
    def height_mm(self) -> float:
        return 25.0 if self is LabelSize.SMALL else 30.0


@dataclass(frozen=True)
class Label:
    """What one label says. `code` is what a scanner reads; `number` is how people call it (IMEI, SKU).
    Without a code it is a price tag."""

    shop_name: str
    name: str
    code: str
    detail: str = ""  # "6/128 · Blue · Grade B"
    price: str = ""  # "UGX 640,000"
    number: str = ""


@dataclass(frozen=True)
class Words:
    """A text with its baseline at `y`; `x` is its left, middle or right. All in millimetres."""

    text: str
    x: float
    y: float
    room: float
    kind: Type
    align: str = "left"


@dataclass(frozen=True)
class Code:
    """Where the code stands: bars from left to right of the label's middle, or a square QR code."""

    top: float
    height: float
    bars: Bars | None
    payload: str
    middle: float
    room: float  # mm for the bars with their white sides


@dataclass(frozen=True)
class _Measures:
    margin: float
    shop: float  # points
    name: float
    detail: float
    large: float
    digits: float
    lead: float  # mm of air above the first line


_MEASURES = {
    LabelSize.SMALL: _Measures(1.5, 5.4, 7.8, 6.2, 9.0, 6.6, 1.4),
    LabelSize.LARGE: _Measures(2.0, 6.6, 9.6, 7.6, 11.5, 8.0, 1.8),
}


def lay_out(label: Label, size: LabelSize, finest_mm: float = THERMAL_MODULE_MM) -> tuple[list[Words], Code]:
    """Every text and the code of a label: shop and price, name, looks, bars, and what the bars say.

    finest_mm  the narrowest module that this medium draws well
    """
    wide, high, m = size.width_mm, size.height_mm, _MEASURES[size]
    room = wide - 2 * m.margin
    placed, y = _head(label, m, wide, room)
    name_lines, name_type = _shrunk(label.name, Type(m.name, bold=True), 0.86, room)
    for line in name_lines:
        y += _rise(name_type.size) + 0.9
        placed.append(Words(line, m.margin, y, room, name_type))
    if clean(label.detail):
        y += _rise(m.detail) + 0.9
        placed.append(_words(label.detail, m.margin, y, room, Type(m.detail)))
    bars = bars_or_none(label.code, wide, finest_mm)
    caption = label.number or (bars.caption if bars else label.code)
    foot, top = high - m.lead - 0.2, y + 1.3
    height = foot - _rise(m.digits) - 0.6 - top
    if bars is not None:
        placed.append(_words(caption, wide / 2, foot, room, Type(m.digits), "centre"))
        return placed, Code(top, height, bars, label.code, wide / 2, wide)
    side = min(foot - top, room / 2)
    placed.append(_words(caption, m.margin, foot, room - side - 1, Type(m.digits)))
    return placed, Code(foot - side, side, None, clean(label.code, 300), wide - m.margin - side / 2, side)


def module_mm(bars: Bars, room: float) -> float:
    """How wide one module is drawn where dots are fine enough not to matter."""
    return min(MODULE_MAX_MM, room / bars.width)


def fits(bars: Bars, room: float, module: float) -> bool:
    """Whether the bars stand in the room with enough white beside them."""
    return module * (len(bars.modules) + QUIET_SHARE_MIN * sum(bars.quiet)) <= room


def bars_or_none(code: str, room: float, finest_mm: float) -> Bars | None:
    """The bars of a code; None if no barcode can say it or its bars would be too fine."""
    try:
        bars = bars_of(code)
    except ValueError:
        return None
    return bars if fits(bars, room, finest_mm) else None


def _head(label: Label, m: _Measures, wide: float, room: float) -> tuple[list[Words], float]:
    """The first line: the shop's name small on the left, the price large on the right."""
    price_type = Type(m.large, bold=True)
    price = fit(clean(label.price), price_type, room * MM)
    taken = measure(price, price_type) / MM
    placed = [Words(price, wide - m.margin, m.lead + _rise(m.large), taken, price_type, "right")] if price else []
    y = m.lead + (_rise(m.large) if price else 0)
    gap = 1.5 if taken else 0.0
    left = room - taken - gap
    lines, kind = _shrunk(label.shop_name, Type(m.shop), 0.9, left) if left > 4 else ([], Type(m.shop))
    for place, line in enumerate(lines):
        at = m.lead + (place + 1) * _rise(kind.size) + place * 0.6
        placed.append(Words(line, m.margin, at, left, kind))
        y = max(y, at)
    return placed, y


def _words(text: str, x: float, y: float, room: float, kind: Type, align: str = "left") -> Words:
    return Words(fit(clean(text), kind, room * MM), x, y, room, kind, align)


def _shrunk(text: str, large: Type, share: float, room: float) -> tuple[list[str], Type]:
    """One line if it fits, else two in a smaller type."""
    whole = clean(text)
    if measure(whole, large) <= room * MM:
        return [whole] if whole else [], large
    small = Type(large.size * share, large.bold)
    return broken(whole, small, room * MM, 2), small


def _rise(points: float) -> float:
    """Height of a line's capitals in millimetres."""
    return points * 0.74 / MM

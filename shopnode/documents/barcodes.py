"""Barcodes as modules: EAN-13 and EAN-8 for what has such a number, Code 128 for everything else that can be typed.

Invariants:
  * Pure: a text gives the same bars, and what they say read back is exactly that text (a UPC-A with its leading 0).
  * A number is an EAN only if its check digit is right; else it is a plain code, and nothing is corrected in silence.
Source: GS1 General Specifications 5.2 (EAN/UPC) and ISO/IEC 15417 (Code 128). Tested against another encoder.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Symbology(StrEnum):
    EAN13 = "EAN-13"
    EAN8 = "EAN-8"
    CODE128 = "Code 128"


@dataclass(frozen=True)
class Bars:
    """One barcode: "1" is a dark module. Beside it `quiet` modules stay white, left and right."""

    symbology: Symbology
    text: str
    modules: str
    quiet: tuple[int, int]

    @property
    def width(self) -> int:
        """In modules, with what stays white."""
        return len(self.modules) + sum(self.quiet)

    @property
    def caption(self) -> str:
        """The digits as people read them under the bars."""
        if self.symbology is Symbology.EAN13:
            return f"{self.text[0]} {self.text[1:7]} {self.text[7:]}"
        return f"{self.text[:4]} {self.text[4:]}" if self.symbology is Symbology.EAN8 else self.text


CODE128_MAX = 48  # characters; no label is that wide
_LEFT = ("0001101", "0011001", "0010011", "0111101", "0100011", "0110001", "0101111", "0111011", "0110111", "0001011")
_RIGHT = tuple(code.translate(str.maketrans("01", "10")) for code in _LEFT)
_LEFT_EVEN = tuple(code[::-1] for code in _RIGHT)
_PARITY = ("LLLLLL", "LLGLGG", "LLGGLG", "LLGGGL", "LGLLGG", "LGGLLG", "LGGGLL", "LGLGLG", "LGLGGL", "LGGLGL")
_START_B, _START_C, _TO_C, _TO_B = 104, 105, 99, 100
_STOP = "2331112"
_PACKED = (
    "212222222122222221121223121322131222122213122312132212221213221312231212112232122132122231113222123122123221"
    "223211221132221231213212223112312131311222321122321221312212322112322211212123212321232121111323131123131321"
    "112313132113132311211313231113231311112133112331132131113123113321133121313121211331231131213113213311213131"
    "311123311321331121312113312311332111314111221411431111111224111422121124121421141122141221112214112412122114"
    "122411142112142211241211221114413111241112134111111242121142121241114212124112124211411212421112421211212141"
    "214121412121111143111341131141114113114311411113411311113141114131311141411131211412211214211232"
)  # widths of three bars and three spaces for each value
_WIDTHS = tuple(_PACKED[at : at + 6] for at in range(0, len(_PACKED), 6))


def bars_of(text: str) -> Bars:
    """The barcode for a code as it stands in the books. Raises ValueError for one that no barcode can say."""
    if text.isascii() and text.isdigit():
        if len(text) == 12 and _is_checked(text):
            return ean13("0" + text)  # UPC-A
        if len(text) in (8, 13) and _is_checked(text):
            return ean13(text) if len(text) == 13 else ean8(text)
    return code128(text)


def check_digit(digits: str) -> int:
    """Of GS1 numbers: weights 3 and 1 from the right."""
    return -sum(int(digit) * (1 if place % 2 else 3) for place, digit in enumerate(reversed(digits))) % 10


def ean13(text: str) -> Bars:
    """Thirteen digits, the last the check digit."""
    if len(text) != 13 or not _is_checked(text):
        raise ValueError("an EAN-13 has thirteen digits, the last one a check digit")
    sets = {"L": _LEFT, "G": _LEFT_EVEN}
    left = "".join(sets[kind][int(digit)] for kind, digit in zip(_PARITY[int(text[0])], text[1:7], strict=True))
    right = "".join(_RIGHT[int(digit)] for digit in text[7:])
    return Bars(Symbology.EAN13, text, f"101{left}01010{right}101", (11, 7))


def ean8(text: str) -> Bars:
    """Eight digits, the last the check digit."""
    if len(text) != 8 or not _is_checked(text):
        raise ValueError("an EAN-8 has eight digits, the last one a check digit")
    left = "".join(_LEFT[int(digit)] for digit in text[:4])
    right = "".join(_RIGHT[int(digit)] for digit in text[4:])
    return Bars(Symbology.EAN8, text, f"101{left}01010{right}101", (7, 7))


def code128(text: str) -> Bars:
    """Printable ASCII; long runs of digits two to a character."""
    if not 1 <= len(text) <= CODE128_MAX or not all(" " <= char <= "~" for char in text):
        raise ValueError(f"a barcode holds 1 to {CODE128_MAX} plain letters, digits and signs")
    values = list(_values(text))
    values.append((values[0] + sum(place * value for place, value in enumerate(values))) % 103)
    widths = "".join(_WIDTHS[value] for value in values) + _STOP
    modules = "".join(("0" if place % 2 else "1") * int(width) for place, width in enumerate(widths))
    return Bars(Symbology.CODE128, text, modules, (10, 10))


def _values(text: str) -> Iterator[int]:
    """Code set C for runs of digits that pay for the change to it, code set B for the rest."""
    in_c: bool | None = None
    at = 0
    while at < len(text):
        run = _digits_from(text, at)
        worth = 4 if at == 0 or at + run == len(text) else 6
        if run >= worth or (at == 0 and run == len(text) == 2):
            start = at + (run % 2 if at else 0)  # an odd digit goes first, or last where the code begins with digits
            if start > at:
                yield _in_b(text[at])
            yield _START_C if in_c is None else _TO_C
            in_c = True
            end = start + run // 2 * 2
            yield from (int(text[place : place + 2]) for place in range(start, end, 2))
            at = end
        else:
            if in_c is not False:
                yield _START_B if in_c is None else _TO_B
            in_c = False
            yield _in_b(text[at])
            at += 1


def _digits_from(text: str, at: int) -> int:
    end = at
    while end < len(text) and text[end].isdigit():
        end += 1
    return end - at


def _in_b(char: str) -> int:
    return ord(char) - 32


def _is_checked(text: str) -> bool:
    return text.isascii() and text.isdigit() and check_digit(text[:-1]) == int(text[-1])

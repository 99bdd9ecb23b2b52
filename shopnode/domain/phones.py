"""Telephone numbers: kept as E.164 whatever was typed, shown the way people here read them.

A number without a country code is taken for one of the shop's country, Uganda. The network is a guess by prefix:
a hint for the cashier, who may choose another.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated

import phonenumbers
from pydantic import AfterValidator

from shopnode.domain.params import Line

COUNTRY = "UG"
SHOWN_KEPT = 2_000  # numbers of the lists that are looked at
DIGITS_MIN = 4  # a shorter fragment would find half of the customers

# Source: numbering plan as listed in docs/rules/phones.md; the library alone knows the large networks only.
NETWORKS = {
    "MTN": ("76", "77", "78", "790", "791", "792", "793", "794", "795", "724", "737"),
    "Airtel": ("70", "74", "75", "730", "731", "732"),
    "UTL": ("71",),
    "Lyca": ("721", "726", "727"),
}


def parse_phone(text: str) -> str:
    """The number as E.164. Raises ValueError, in words, when it cannot be one."""
    try:
        number = phonenumbers.parse(text, COUNTRY)
    except phonenumbers.NumberParseException:
        raise ValueError("is not a telephone number") from None
    if not phonenumbers.is_possible_number(number) or not phonenumbers.is_valid_number(number):
        raise ValueError("is not a complete telephone number")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def phone_or_none(text: str) -> str | None:
    """The number as E.164, or None when the text is something else."""
    try:
        return parse_phone(text)
    except ValueError:
        return None


@lru_cache(maxsize=SHOWN_KEPT)
def show_phone(e164: str) -> str:
    """The number as people here write it: 0772 123 456; with the country's code when it is another's."""
    number = phonenumbers.parse(e164, COUNTRY)
    home = number.country_code == phonenumbers.country_code_for_region(COUNTRY)
    form = phonenumbers.PhoneNumberFormat
    return phonenumbers.format_number(number, form.NATIONAL if home else form.INTERNATIONAL)


def guess_network(e164: str) -> str | None:
    """The mobile network the prefix belongs to."""
    national = e164.removeprefix("+256")
    if national == e164:
        return None
    # The longest prefix decides: 724 is MTN's inside another's 72.
    owners = {prefix: name for name, prefixes in NETWORKS.items() for prefix in prefixes}
    return owners.get(national[:3]) or owners.get(national[:2])


Phone = Annotated[Line, AfterValidator(parse_phone)]

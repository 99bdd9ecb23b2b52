"""Money: whole minor units of a currency, never a fraction.

The exponent of a currency is ISO 4217's (UGX has no minor unit).
"""

from __future__ import annotations

MONEY_MINOR_MAX = 10**12  # a million million shillings: above any shop, far below 2^53
RATE_BP_ONE = 10_000

EXPONENTS = {"UGX": 0, "RWF": 0, "BIF": 0, "KES": 2, "TZS": 2, "USD": 2, "EUR": 2, "GBP": 2, "SSP": 2, "TND": 3}


def exponent(currency: str) -> int:
    """How many decimal places the currency has; 2 for one we do not list."""
    return EXPONENTS.get(currency, 2)


def format_minor(amount_minor: int, currency: str = "UGX") -> str:
    """The amount as people read it, without the currency's name: 1500000 UGX is "1,500,000"."""
    places = exponent(currency)
    sign, whole = ("−" if amount_minor < 0 else ""), abs(amount_minor)
    if places == 0:
        return f"{sign}{whole:,}"
    units, cents = divmod(whole, 10**places)
    return f"{sign}{units:,}.{cents:0{places}d}"


def share_bp(amount_minor: int, rate_bp: int) -> int:
    """`rate_bp` basis points of a non-negative amount, halves rounded up. Raises ValueError if either is negative."""
    if amount_minor < 0 or rate_bp < 0:
        raise ValueError("amounts and rates must not be negative")
    return (2 * amount_minor * rate_bp + RATE_BP_ONE) // (2 * RATE_BP_ONE)


def vat_inside(gross_minor: int, rate_bp: int) -> int:
    """The VAT contained in a VAT-inclusive price, halves rounded up.

    gross_minor  whole minor units, 0 or more; a refund negates the result of the original sale
    rate_bp      rate in basis points (18 % is 1800)

    Raises ValueError if either is negative. Source: docs/rules/vat.md.
    """
    if gross_minor < 0 or rate_bp < 0:
        raise ValueError("amounts and rates must not be negative")
    base = RATE_BP_ONE + rate_bp
    return (2 * gross_minor * rate_bp + base) // (2 * base)


def spread(total_minor: int, weights: list[int]) -> list[int]:
    """Split a non-negative amount over lines in proportion to their weights; the parts add up exactly.

    Largest remainder first, earlier lines first on a tie; all on the first line when every weight is 0.
    """
    if total_minor == 0:
        return [0] * len(weights)
    whole = sum(weights)
    if not weights:
        return []
    if whole == 0:
        return [total_minor] + [0] * (len(weights) - 1)
    parts = [total_minor * weight // whole for weight in weights]
    order = sorted(range(len(weights)), key=lambda i: (-(total_minor * weights[i] % whole), i))
    for i in order[: total_minor - sum(parts)]:
        parts[i] += 1
    return parts

"""Money as people read it on paper: `640000` of a currency without decimals is "640,000".

A formatter of its own, because documents know nothing of the domain; the caller passes the currency's exponent.
"""

from __future__ import annotations


def money_text(amount_minor: int, exponent: int = 0) -> str:
    """Thousands separated by commas, a plain hyphen for less than nothing, every decimal place written.

    amount_minor  whole minor units
    exponent      decimal places of the currency (UGX 0, KES 2, TND 3)
    """
    sign = "-" if amount_minor < 0 else ""
    units, rest = divmod(abs(amount_minor), 10**exponent)
    return f"{sign}{units:,}.{rest:0{exponent}d}" if exponent else f"{sign}{units:,}"


def rate_text(rate_bp: int) -> str:
    """A rate in basis points as a percentage: 1800 is "18%", 1850 is "18.5%"."""
    percent, rest = divmod(rate_bp, 100)
    return f"{percent}.{rest:02d}".rstrip("0") + "%" if rest else f"{percent}%"

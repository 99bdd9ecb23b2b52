"""The transaction by which a network sends money back: another than the one it came by (rule 41).

A refund never keeps the id of the message that brought the money; it has one of its own, or none while nobody said it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from shopnode.domain.cash.moves import money_with_reference
from shopnode.domain.context import Context
from shopnode.domain.errors import Invalid
from shopnode.domain.returns.leaving import Leaving
from shopnode.domain.sales.coming import confirmed_with_reference
from shopnode.domain.sales.errors import ReferenceUsed
from shopnode.domain.sales.lookup import sale_with_reference
from shopnode.domain.sales.models import MONEY, Tender
from shopnode.domain.sales.rules import METHOD_NAMES, normal_reference

_BY_TRANSACTION = MONEY - {Tender.CASH}


def by_transaction(ctx: Context, leaving: Sequence[Leaving], typed: str | None) -> list[Leaving]:
    """What leaves by networks, under its own transaction. Raises Invalid, ReferenceUsed."""
    methods = sorted({one.part.method for one in leaving} & _BY_TRANSACTION)
    reference = _read(ctx, methods, typed)
    return [
        replace(one, part=replace(one.part, reference=reference)) if one.part.method in methods else one
        for one in leaving
    ]


def _read(ctx: Context, methods: Sequence[Tender], typed: str | None) -> str | None:
    try:
        reference = normal_reference(typed)
    except ValueError as odd:
        raise Invalid({"refund_reference": str(odd)}) from None
    if reference is None:
        return None
    if len(methods) != 1:
        names = " and ".join(METHOD_NAMES[method] for method in methods)
        words = f"names one transaction, and this goes back by {names}" if names else "is for money of a network"
        raise Invalid({"refund_reference": f"{words}: leave it empty"})
    used = sale_with_reference(ctx.session, methods[0].value, reference)
    used = used or money_with_reference(ctx, methods[0], reference)
    used = used or confirmed_with_reference(ctx.session, methods[0].value, reference)
    if used is not None:
        raise ReferenceUsed(METHOD_NAMES[methods[0]], used)
    return reference

"""Lists of names: suppliers, financiers. A name stands on its list once, in any spelling of its letters.

Invariants:
  * Who is taken off a list stays in the books; the name is then free for another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func, select

from shopnode.domain.capture import add_rows
from shopnode.domain.context import Context
from shopnode.domain.errors import Conflict, Invalid


def enlist(ctx: Context, row: Any, taken: type[Conflict]) -> dict[str, Any]:
    """Add a new row to its list. Raises `taken`, made of the name, when that stands there already."""
    _check_name_free(ctx, row, row.name, taken)
    add_rows(ctx.session, row)
    return _about(ctx, row)


def change(
    ctx: Context, row: Any, given: Mapping[str, Any], taken: type[Conflict], *, needed: Sequence[str] = ("name",)
) -> dict[str, Any]:
    """Change the fields given. Raises Invalid when one that is needed would be empty, and `taken`."""
    empty = [name for name in needed if name in given and given[name] is None]
    if empty:
        raise Invalid(dict.fromkeys(empty, "is needed"))
    if "name" in given:
        _check_name_free(ctx, row, given["name"], taken)
    for name, value in given.items():
        setattr(row, name, value)
    return _about(ctx, row)


def strike(ctx: Context, row: Any) -> dict[str, Any]:
    """Take a row off its list; when it was first done is kept."""
    row.archived_at = row.archived_at or ctx.now
    return _about(ctx, row)


def reinstate(ctx: Context, row: Any, taken: type[Conflict]) -> dict[str, Any]:
    """Put a row back on its list. Raises `taken` when another has the name by now."""
    _check_name_free(ctx, row, row.name, taken)
    row.archived_at = None
    return _about(ctx, row)


def _check_name_free(ctx: Context, row: Any, name: str, taken: type[Conflict]) -> None:
    model = type(row)
    same = func.lower(model.name) == name.lower()
    query = select(model.name).where(same, model.archived_at.is_(None), model.id != row.id)
    with ctx.session.no_autoflush:
        standing = ctx.session.scalar(query.limit(1))
    if standing is not None:
        raise taken(standing)


def _about(ctx: Context, row: Any) -> dict[str, Any]:
    ctx.about(row.__tablename__, row.id)
    return {"id": row.id}

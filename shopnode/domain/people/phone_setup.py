"""Setting up an owner's telephone for one shop: a secret that makes their codes, made anew each time.

The secret is in no answer and no log: it travels to that one shop, and its owner asks for codes where they are signed
in.
"""

from __future__ import annotations

from typing import Any

from shopnode.domain.actions import action
from shopnode.domain.capture import add_rows
from shopnode.domain.context import Context
from shopnode.domain.errors import Invalid, NotFound
from shopnode.domain.homes import Where
from shopnode.domain.params import IdText, Params
from shopnode.domain.people.models import PhoneApprover, phone_approver_id
from shopnode.domain.people.queries import find_shop
from shopnode.domain.people.telephone_rules import SECRET_BYTES, new_secret
from shopnode.domain.permissions import Permission
from shopnode.domain.queries import row_or_none


class ForShop(Params):
    """The shop whose counters may call; this one when left out."""

    shop_id: IdText | None = None


@action("approvals.set_up_phone", needs=Permission.SETTINGS_UPDATE, where=Where.ANYWHERE)
def set_up_phone(ctx: Context, form: ForShop) -> dict[str, Any]:
    """Let oneself approve by telephone in a shop, with a new secret. Codes of an older one are good no more."""
    staff_id, shop_id = _whose(ctx, form)
    secret = new_secret(ctx.home.random(SECRET_BYTES))
    row = row_or_none(ctx.session, PhoneApprover, phone_approver_id(staff_id, shop_id))
    if row is None:
        row = PhoneApprover(
            id=phone_approver_id(staff_id, shop_id), staff_id=staff_id, shop_id=shop_id, secret=secret,
            created_at=ctx.now,
        )  # fmt: skip
        add_rows(ctx.session, row)
    else:
        row.secret, row.archived_at = secret, None
    ctx.about("staff", staff_id)
    return {"id": row.id, "shop_id": shop_id}


@action("approvals.remove_phone", needs=Permission.SETTINGS_UPDATE, where=Where.ANYWHERE)
def remove_phone(ctx: Context, form: ForShop) -> dict[str, Any]:
    """Approve by telephone in a shop no more. Raises NotFound."""
    staff_id, shop_id = _whose(ctx, form)
    row = row_or_none(ctx.session, PhoneApprover, phone_approver_id(staff_id, shop_id))
    if row is None:
        raise NotFound("Your telephone for this shop")
    row.archived_at = ctx.now
    ctx.about("staff", staff_id)
    return {"id": row.id, "shop_id": shop_id}


def _whose(ctx: Context, form: ForShop) -> tuple[str, str]:
    """The owner and the shop. Raises Invalid, NotFound."""
    shop_id = form.shop_id or ctx.shop_id
    if ctx.actor.id is None or shop_id is None:
        raise Invalid({"shop_id": "is needed: say in which shop, signed in as yourself"})
    if ctx.home.is_shop and shop_id != ctx.shop_id:
        raise Invalid({"shop_id": "must be this shop; others are set up in the owner's portal"})
    return ctx.actor.id, find_shop(ctx.session, shop_id).id

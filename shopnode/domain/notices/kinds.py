"""The kinds of notices: who is told of what, and how, unless the business chose otherwise (see settings).

Pure data. A kind is looked for by a watcher of the area it belongs to, see watching.py.
"""

from __future__ import annotations

from dataclasses import dataclass

from shopnode.domain.notices.models import Channel
from shopnode.domain.permissions import Role

_MANAGERS = (Role.OWNER, Role.SUPERVISOR)
_OWNER = (Role.OWNER,)
_SCREEN, _MAIL, _SMS, _PUSH = Channel.IN_APP, Channel.MAIL, Channel.SMS, Channel.PUSH


@dataclass(frozen=True)
class NoticeKind:
    """Something people are told of.

    roles     who is told, unless chosen otherwise; nobody of a kind that is for one person
    channels  how, beside any the person chose
    lasts     it stands while its cause does, and is over with it; another is told once and stays
    """

    key: str
    label: str
    help: str
    roles: tuple[Role, ...] = _OWNER
    channels: tuple[Channel, ...] = (_SCREEN,)
    lasts: bool = False


KINDS = {
    kind.key: kind
    for kind in (
        NoticeKind(
            "low_stock", "Low stock", "A product is at or below its minimum.", _MANAGERS, (_SCREEN, _MAIL), lasts=True
        ),
        NoticeKind("repair", "Repairs", "A repair came to another state."),
        NoticeKind(
            "repair_customer", "Repairs, to the customer", "The customer's device is ready, or waits to be fetched.",
            (), (_SMS,),
        ),
        NoticeKind(
            "sales_to_approve", "Sales to approve", "Sales of a day wait to be approved.", _MANAGERS, (_SCREEN, _PUSH),
            lasts=True,
        ),
        NoticeKind(
            "expense_to_decide", "Expenses to decide", "Somebody asks for money.", _OWNER, (_SCREEN, _PUSH), lasts=True
        ),
        NoticeKind("expense_decided", "Expenses decided", "What one asked for was approved or rejected.", ()),
        NoticeKind("budget", "Budgets", "A budget of this month is nearly used up, or passed.", lasts=True),
        NoticeKind(
            "closure_submitted", "Days to approve", "A day was submitted and waits to be approved.", _MANAGERS,
            (_SCREEN, _MAIL), lasts=True,
        ),
        NoticeKind(
            "variance", "Large differences", "A drawer was counted, and a lot is missing or too much.", _OWNER,
            (_SCREEN, _MAIL),
        ),
        NoticeKind(
            "drawer_forgotten", "Forgotten drawers", "A drawer is open since long ago.", _MANAGERS, lasts=True
        ),
        NoticeKind(
            "payment_failed", "Failed payments", "Mobile money never came, or its network took it back.", _OWNER,
            (_SCREEN, _MAIL, _SMS),
        ),
        NoticeKind(
            "stolen", "Stolen devices", "A device on the bench was found to be stolen.", _OWNER, (_SCREEN, _SMS)
        ),
        NoticeKind(
            "system", "The shop's computer", "Disk, books, clock, backup or a nightly job need looking after.", _OWNER,
            (_SCREEN, _MAIL, _SMS), lasts=True,
        ),
        NoticeKind(
            "subscription", "Subscription", "The business's subscription ends soon.", _OWNER, (_SCREEN, _MAIL, _SMS),
            lasts=True,
        ),
    )
}  # fmt: skip


def roles_key(kind: NoticeKind) -> str:
    """The setting that says who is told."""
    return f"notice_{kind.key}_roles"


def channels_key(kind: NoticeKind) -> str:
    """The setting that says how."""
    return f"notice_{kind.key}_channels"

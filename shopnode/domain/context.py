"""Who acts, from where, in which home: the first argument of every action and query view."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from shopnode.domain.clock import Clock, to_datetime
from shopnode.domain.errors import ApprovalNeeded, NotPermitted
from shopnode.domain.homes import Home
from shopnode.domain.permissions import ROLE_PERMISSIONS, Permission, Role, permissions_of


@dataclass(frozen=True)
class Actor:
    """A person of the staff; `id` is None for the console and for the system itself.

    choices  what an owner chose for this person beside their role: (permission or limit, value)
    scopes   of a program that acts as this person by a key; None for the person themselves
    via      the name of that key
    """

    id: str | None
    name: str
    role: Role
    choices: tuple[tuple[str, str], ...] = ()
    scopes: frozenset[Permission] | None = None
    via: str | None = None

    @property
    def permissions(self) -> frozenset[Permission]:
        whole = permissions_of(self.role, self.choices) if self.choices else ROLE_PERMISSIONS[self.role]
        return whole if self.scopes is None else whole & self.scopes


OBJECTIONS, APPROVED = "objections", "approved"  # marks: what needs a second person, and what one said yes to
WROTE_OFF = "wrote_off"  # mark: the cost of the goods that leave the books as worthless

CONSOLE = Actor(None, "Console", Role.OWNER)  # a command typed at the shop's own computer


@dataclass(frozen=True)
class Channel:
    """Where a request came from; written into the entry."""

    ip: str | None = None
    user_agent: str | None = None


@dataclass(frozen=True)
class Approval:
    """A second person's own PIN, entered for this one action."""

    staff_id: str
    pin: str = field(repr=False)


@dataclass(frozen=True)
class PhoneApproval:
    """The owner's answer to a question that was read out over the telephone, see people/telephone."""

    challenge: str
    code: str = field(repr=False)


AnyApproval = Approval | PhoneApproval


@dataclass(frozen=True)
class Context:
    home: Home
    actor: Actor
    shop_id: str | None
    channel: Channel = Channel()
    db: Session | None = None
    approver: Actor | None = None
    challenge: str | None = None  # the question the approver answered over the telephone
    action_id: str = ""
    marks: dict[str, Any] = field(default_factory=dict)

    @property
    def session(self) -> Session:
        """The open session: read-only in a view, the writer's inside an action."""
        if self.db is None:
            raise RuntimeError("no session is open in this context")
        return self.db

    @property
    def clock(self) -> Clock:
        return self.home.clock

    @property
    def now(self) -> datetime:
        return to_datetime(self.home.clock.wall_ms())

    @property
    def user_agent(self) -> str | None:
        """What the entry keeps of the program that asked; of one with a key, the key's name."""
        return self.channel.user_agent if self.actor.via is None else f"key: {self.actor.via}"

    def inside(self, session: Session) -> Context:
        """The same context with an open session."""
        return replace(self, db=session)

    def may(self, permission: Permission) -> bool:
        return permission in self.actor.permissions

    def new_id(self) -> str:
        return self.home.new_id()

    def about(self, entity: str, record_id: str) -> None:
        """Name the record this action is about; its history lists the entry."""
        self.marks["subject"] = (entity, record_id)

    def require_approval(
        self,
        reason: str,
        *,
        enough: Callable[[Role], bool] | None = None,
        within: Callable[[Actor], bool] | None = None,
        kept: str | None = None,
    ) -> None:
        """Demand a second person for what passes the actor's limit.

        An action goes on when nobody approved yet: the door refuses it at its end, with all that was objected to, and
        nothing has happened. So one yes is asked for everything, and whoever gives it has read everything.

        enough  whether somebody of that role may approve it at all
        within  whether it is within that person's own limits: an approver has limits, too
        kept    the reason as the entry keeps it for ever, where the reason itself names a person

        Raises NotPermitted when the approver is the actor or may not; outside an action, ApprovalNeeded at once.
        """
        if self.approver is None:
            if OBJECTIONS not in self.marks:
                raise ApprovalNeeded(reason)
            if reason not in self.marks[OBJECTIONS]:
                self.marks[OBJECTIONS].append(reason)
            return
        if self.approver.id == self.actor.id:
            raise NotPermitted("Nobody approves their own. Ask another person to enter their PIN.")
        if Permission.LIMITS_APPROVE not in self.approver.permissions:
            raise NotPermitted(f"{self.approver.name} may not approve this. Ask a supervisor or the owner.")
        if not ((enough is None or enough(self.approver.role)) and (within is None or within(self.approver))):
            raise NotPermitted(f"{reason} That is above the limit of {self.approver.name}, too. Ask the owner.")
        self.approved_for(kept or reason)

    def approved_for(self, reason: str) -> None:
        """The approver said yes to this; the entry keeps it."""
        told = self.marks.setdefault(APPROVED, [])
        if reason not in told:
            told.append(reason)

    @property
    def was_approved(self) -> bool:
        """Whether a second person's yes was used so far."""
        return APPROVED in self.marks


def public(actor: Actor) -> Mapping[str, Any]:
    """What others may see of a person."""
    return {"id": actor.id, "name": actor.name, "role": actor.role.value}

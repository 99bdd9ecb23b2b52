"""Signing in to the portal: an e-mail address and a password, then a session that can be ended at once.

Invariants:
  * A session is found by the hash of a random secret; the secret is in the browser's cookie and nowhere else.
  * A wrong password, an unknown address and a person who was suspended are answered alike and take as long.
  * Whoever is suspended or loses their role is out with the next request: both are read from the books each time.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select, update

from cloudhub.hub import Hub
from cloudhub.merge.passwords import CARRY
from cloudhub.tenancy.models import PortalLogin, PortalSession
from cloudhub.tenancy.throttle import count_try, forgive_try
from shopnode.domain.actions import perform
from shopnode.domain.clock import to_datetime
from shopnode.domain.context import CONSOLE, Actor, Channel, Context
from shopnode.domain.errors import Invalid, NotFound, NotSignedIn
from shopnode.domain.people.models import Staff
from shopnode.domain.people.passwords import PASSWORD_MIN, hash_secret, needs_rehash, verify_secret
from shopnode.domain.people.queries import actor_for
from shopnode.domain.people.second_proof import SecondProofNeeded, has_second_proof, prove_second
from shopnode.domain.permissions import Role

SECRET_BYTES = 32
IDLE = timedelta(hours=12)
LIFETIME = timedelta(days=14)
SEEN_STEP = timedelta(minutes=1)  # a session's last use is not worth a write more often
TRIES_PER_LOGIN_MAX = 10
TRIES_PER_ADDRESS_MAX = 30
PORTAL_ROLES = (Role.OWNER, Role.SUPERVISOR)


@dataclass(frozen=True)
class PortalUser:
    """Somebody whose session is good."""

    tenant_id: str
    login_id: str
    staff_id: str
    session_hash: str
    actor: Actor

    @property
    def name(self) -> str:
        return self.actor.name

    @property
    def role(self) -> Role:
        return self.actor.role


def sign_in(
    hub: Hub,
    email: str,
    password: str,
    *,
    ip: str | None = None,
    user_agent: str | None = None,
    code: str | None = None,
) -> str:
    """Start a session; returns the secret for the cookie.

    Raises NotSignedIn, SecondProofNeeded, WrongSecondProof, TooManyTries.
    """
    wanted = email.strip().lower()[:200]
    keys = {f"login:{wanted}": TRIES_PER_LOGIN_MAX, f"login-from:{ip}": TRIES_PER_ADDRESS_MAX}
    count_try(hub.database, hub.clock, keys)
    with hub.database.gate() as gate:
        query = select(PortalLogin).where(PortalLogin.email == wanted, PortalLogin.ended_at.is_(None))
        logins = list(gate.scalars(query.order_by(PortalLogin.made_at).limit(5)))
    found = next((login for login in logins if verify_secret(login.password_hash, password)), None)
    if not logins:
        verify_secret(None, password)
    if found is None or _person(hub, found.tenant_id, found.staff_id) is None:
        raise NotSignedIn("The e-mail address or the password is not right.")
    _prove_second(hub, found, code, f"login-from:{ip}")
    forgive_try(hub.database, *keys)
    secret = hub.random(SECRET_BYTES).hex()
    now = to_datetime(hub.clock.wall_ms())
    with hub.database.session(found.tenant_id) as session:
        session.add(
            PortalSession(
                tenant_id=found.tenant_id, id_hash=_hash(secret), login_id=found.id, made_at=now, seen_at=now,
                expires_at=now + LIFETIME, ip=(ip or "")[:64] or None, user_agent=(user_agent or "")[:300] or None,
            )
        )  # fmt: skip
        if needs_rehash(found.password_hash):
            login = update(PortalLogin).where(PortalLogin.id == found.id)
            session.execute(login.values(password_hash=hash_secret(password)))
    return secret


def find_user(hub: Hub, secret: str) -> PortalUser:
    """Who carries this secret. Raises NotSignedIn."""
    return user_of_session(hub, _hash(secret))


def user_of_session(hub: Hub, session_hash: str) -> PortalUser:
    """Whose session this is, by the hash it is kept under. Raises NotSignedIn."""
    now = to_datetime(hub.clock.wall_ms())
    query = (
        select(
            PortalSession.tenant_id, PortalSession.id_hash, PortalSession.login_id, PortalSession.seen_at,
            PortalSession.expires_at, PortalLogin.staff_id,
        )
        .join(
            PortalLogin,
            (PortalLogin.tenant_id == PortalSession.tenant_id) & (PortalLogin.id == PortalSession.login_id),
        )
        .where(PortalSession.id_hash == session_hash, PortalSession.ended_at.is_(None), PortalLogin.ended_at.is_(None))
    )  # fmt: skip
    with hub.database.gate() as gate:
        row = gate.execute(query).one_or_none()
    if row is None or row.expires_at <= now or row.seen_at + IDLE <= now:
        raise NotSignedIn
    person = _person(hub, row.tenant_id, row.staff_id)
    if person is None:
        raise NotSignedIn
    if row.seen_at + SEEN_STEP <= now:
        with hub.database.session(row.tenant_id) as session:
            mine = update(PortalSession).where(PortalSession.id_hash == row.id_hash)
            session.execute(mine.values(seen_at=now))
    return PortalUser(row.tenant_id, row.login_id, row.staff_id, row.id_hash, person)


def context_of(hub: Hub, user: PortalUser, channel: Channel | None = None) -> Context:
    """The context in which this person's requests run."""
    return Context(home=hub.home(user.tenant_id), actor=user.actor, shop_id=None, channel=channel or Channel())


def sign_out(hub: Hub, user: PortalUser) -> None:
    """End this session."""
    with hub.database.session(user.tenant_id) as session:
        mine = update(PortalSession).where(PortalSession.id_hash == user.session_hash)
        session.execute(mine.values(ended_at=to_datetime(hub.clock.wall_ms())))


def set_portal_password(hub: Hub, tenant_id: str, staff_id: str, password: str) -> None:
    """Give a person a new password, for the portal and every shop; all their sessions at the portal end.

    Raises Invalid, NotFound.
    """
    if len(password) < PASSWORD_MIN:
        raise Invalid({"password": f"must be at least {PASSWORD_MIN} characters"})
    password_hash = hash_secret(password)
    now = to_datetime(hub.clock.wall_ms())
    with hub.database.session(tenant_id) as session:
        login = session.scalars(select(PortalLogin).where(PortalLogin.staff_id == staff_id)).one_or_none()
        person = session.get(Staff, (tenant_id, staff_id))
        if person is None or (login is None and person.email is None):
            raise NotFound("This person, with an e-mail address,")
        # The shops' postings first: a push takes its turn before it touches a login, and so does this.
        form = {"staff_id": staff_id, "password_hash": password_hash}
        perform(Context(home=hub.home(tenant_id, session), actor=CONSOLE, shop_id=None), CARRY, form)
        if login is None:
            login = PortalLogin(
                tenant_id=tenant_id, id=hub.new_id(), staff_id=staff_id, email=person.email,
                password_hash=password_hash, made_at=now,
            )  # fmt: skip
            session.add(login)
        if login.ended_at is not None and person.email is not None:  # forgotten, and back with an address of their own
            login.email, login.ended_at = person.email, None
        login.password_hash = password_hash
        open_ones = update(PortalSession).where(PortalSession.login_id == login.id, PortalSession.ended_at.is_(None))
        session.execute(open_ones.values(ended_at=now))


def _prove_second(hub: Hub, login: PortalLogin, code: str | None, address: str) -> None:
    """The second proof of somebody whose password was right, where they have one: a wrong code is a wrong try."""
    with hub.database.session(login.tenant_id, read_only=True) as session:
        is_asked = has_second_proof(session, login.staff_id)
    if not is_asked:
        return
    if not code or not code.strip():
        forgive_try(hub.database, address)
        raise SecondProofNeeded
    prove_second(hub.home(login.tenant_id), login.staff_id, code[:200])


def _person(hub: Hub, tenant_id: str, staff_id: str) -> Actor | None:
    """The person as an actor, while they may use the portal."""
    with hub.database.session(tenant_id, read_only=True) as session:
        person = actor_for(session, staff_id, None)
    return person if person is not None and person.role in PORTAL_ROLES else None


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()

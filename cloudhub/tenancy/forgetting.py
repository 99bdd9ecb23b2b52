"""The portal's part of forgetting somebody who left: their login's address, and where they were signed in.

What the books hold of them is forgotten by the domain (`shopnode.domain.people.erasing`), at every home.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from cloudhub.tenancy.models import PortalLogin, PortalSession
from shopnode.domain.people.erasing import is_erased
from shopnode.domain.people.models import Staff
from shopnode.domain.projections import COMPARES, Changed, projection


@projection("staff")
def forget_logins(session: Session, changed: Changed) -> None:
    """The login of an erased person opens nothing and names no address. Written once: reading anew finds it so."""
    told = changed.updates.get("staff")
    if not told or session.info.get(COMPARES) or session.get_bind().dialect.name == "sqlite":
        return
    people = session.scalars(select(Staff).where(Staff.id.in_(told), Staff.archived_at.is_not(None)).order_by(Staff.id))
    for person in [person for person in people.all() if is_erased(person)]:
        for login in session.scalars(select(PortalLogin).where(PortalLogin.staff_id == person.id)).all():
            nobody = f"erased:{login.id}"
            if login.email == nobody:
                continue
            login.email, login.password_hash = nobody, "-"
            login.ended_at = login.ended_at or person.archived_at
            for one in session.scalars(select(PortalSession).where(PortalSession.login_id == login.id)).all():
                one.ip, one.user_agent, one.ended_at = None, None, one.ended_at or person.archived_at

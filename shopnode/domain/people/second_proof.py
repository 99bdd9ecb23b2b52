"""The second proof: a code of one's telephone beside the password, and recovery codes for when it is lost.

Invariants:
  * It is asked for once it was confirmed by a code; until then nothing changes for the person.
  * A code is good once, a recovery code is good once, and wrong ones count as wrong tries at the account.
  * The secret is sealed by the home's own key; it is shown once, and never leaves this home: each home has its own.
  * Who loses both is helped by an owner, who takes the second proof away (`staff.forget_second_proof`).
"""

from __future__ import annotations

import hashlib
from base64 import b32encode
from dataclasses import dataclass
from typing import Annotated, Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import Field
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shopnode.domain.actions import action, perform
from shopnode.domain.clock import to_datetime
from shopnode.domain.context import Context
from shopnode.domain.errors import Conflict, Invalid, NotPermitted, NotSignedIn
from shopnode.domain.homes import Home, Where
from shopnode.domain.params import Params
from shopnode.domain.people.access_models import RecoveryCode, StaffTotp
from shopnode.domain.people.actions import OnePerson
from shopnode.domain.people.queries import business_or_none, find_staff
from shopnode.domain.people.totp_rules import SECRET_BYTES, in_words, matching_step, provisioning_uri, step_of
from shopnode.domain.people.ways_in import end_sessions_of, forget_second_proof
from shopnode.domain.permissions import Permission

RECOVERY_CODES = 10
RECOVERY_BYTES = 10  # 80 bits: a fast hash is enough
NONCE_BYTES = 12
_KEY_NAME = b"phoneshop/v1/second-proof-key"


class SecondProofNeeded(NotSignedIn):
    """The password is right, and this person has a second proof."""

    code = "second-proof-needed"

    def __init__(self) -> None:
        super().__init__("Enter the code of your authenticator, or one of your recovery codes.")


class WrongSecondProof(NotSignedIn):
    code = "wrong-second-proof"

    def __init__(self) -> None:
        super().__init__("The code is not right, or was used before. Wait for the next one.")


@dataclass(frozen=True)
class Offered:
    """A new secret, shown once."""

    secret: str
    uri: str


class Confirmed(Params):
    """The recovery codes' hashes, when the first code was right. Made here and nowhere else."""

    code_hashes: Annotated[list[Annotated[str, Field(pattern="^[0-9a-f]{64}$")]], Field(max_length=RECOVERY_CODES)]
    step: int


class Nothing(Params):
    """An action that needs nothing said."""


def offer_second_proof(ctx: Context) -> Offered:
    """A new secret for whoever is signed in; it counts once a code of it was given. Raises Conflict."""
    if ctx.actor.id is None:
        raise NotPermitted
    secret = ctx.home.random(SECRET_BYTES)
    with ctx.home.writing() as session:
        row = _row(session, ctx.actor.id)
        if row is not None and row.confirmed_at is not None:
            raise Conflict("You have a second proof already. Take it off first, then set up the new telephone.")
        if row is None:
            row = StaffTotp(
                tenant_id=session.info["tenant_id"], staff_id=ctx.actor.id, secret="", confirmed_at=None, last_step=0
            )
            session.add(row)
        row.secret, row.last_step = _seal(ctx.home, ctx.actor.id, secret), 0
        business = business_or_none(session)
        account = find_staff(session, ctx.actor.id).name
    return Offered(in_words(secret), provisioning_uri(secret, business.name if business else "Phone shop", account))


def confirm_second_proof(ctx: Context, code: str) -> list[str]:
    """Ask for it from now on; answers the recovery codes, shown once. Raises Invalid, Conflict."""
    with ctx.home.reading() as session:
        row = _row(session, ctx.actor.id)
        if row is None or not row.secret or row.confirmed_at is not None:
            raise Conflict("There is nothing to confirm. Begin again.")
        step = matching_step(_open(ctx.home, row), code, step_of(ctx.home.clock.wall_ms()), row.last_step)
    if step is None:
        raise Invalid({"code": "is not the one your authenticator shows now; look that its clock is right"})
    codes = [_recovery_code(ctx.home) for _ in range(RECOVERY_CODES)]
    perform(ctx, "staff.confirm_second_proof", {"code_hashes": [_hash(code) for code in codes], "step": step})
    return codes


@action("staff.confirm_second_proof", needs=Permission.OWN_CREDENTIALS, where=Where.ANYWHERE)
def keep_second_proof(ctx: Context, form: Confirmed) -> dict[str, Any]:
    """Ask a person for their second proof from now on."""
    row = _row(ctx.session, ctx.actor.id)
    if row is None or ctx.actor.id is None:
        raise Conflict("There is nothing to confirm. Begin again.")
    row.confirmed_at, row.last_step = ctx.now, form.step
    for code_hash in form.code_hashes:
        ctx.session.add(
            RecoveryCode(
                tenant_id=ctx.session.info["tenant_id"], staff_id=ctx.actor.id, code_hash=code_hash, used_at=None
            )
        )
    ctx.about("staff", ctx.actor.id)
    return {"id": ctx.actor.id}


def drop_second_proof(ctx: Context, code: str) -> None:
    """Ask me for a second proof no more; a code proves that it is still mine. Raises Invalid; tries are the
    caller's to count."""
    try:
        prove_second(ctx.home, ctx.actor.id or "", code)
    except WrongSecondProof as wrong:
        raise Invalid({"code": str(wrong)}) from None
    perform(ctx, "staff.drop_second_proof", {})


@action("staff.drop_second_proof", needs=Permission.OWN_CREDENTIALS, where=Where.ANYWHERE)
def drop_own(ctx: Context, form: Nothing) -> dict[str, Any]:
    """Ask a person for a second proof no more, as they wish."""
    staff_id = ctx.actor.id or ""
    forget_second_proof(ctx, staff_id)
    ctx.about("staff", staff_id)
    return {"id": staff_id}


@action("staff.forget_second_proof", needs=Permission.STAFF_UPDATE, where=Where.ANYWHERE)
def forget_for_another(ctx: Context, form: OnePerson) -> dict[str, Any]:
    """Take the second proof off somebody who lost telephone and recovery codes; their sessions end."""
    person = find_staff(ctx.session, form.staff_id)
    if person.id == ctx.actor.id:
        raise NotPermitted("Your own second proof comes off with a code of it. Ask another owner if you have none.")
    forget_second_proof(ctx, person.id)
    end_sessions_of(ctx, person.id)
    ctx.about("staff", person.id)
    return {"id": person.id}


def has_second_proof(session: Session, staff_id: str) -> bool:
    """Whether this person is asked for one at this home."""
    row = _row(session, staff_id)
    return row is not None and row.confirmed_at is not None


def recovery_codes_left(session: Session, staff_id: str) -> int:
    left = select(func.count()).where(RecoveryCode.staff_id == staff_id, RecoveryCode.used_at.is_(None))
    return session.scalar(left) or 0


def prove_second(home: Home, staff_id: str, typed: str) -> None:
    """Use up a code of the authenticator, or a recovery code. The caller counts tries. Raises WrongSecondProof."""
    with home.writing() as session:
        row = _row(session, staff_id)
        if row is None or row.confirmed_at is None:
            return
        now_ms = home.clock.wall_ms()
        step = matching_step(_open(home, row), typed, step_of(now_ms), row.last_step)
        if step is not None:
            row.last_step = step
            return
        code = _row_of_code(session, staff_id, _hash(typed))
        is_good = code is not None and code.used_at is None
        if code is not None and is_good:
            code.used_at = to_datetime(now_ms)
    if not is_good:
        raise WrongSecondProof


def _row(session: Session, staff_id: str | None) -> StaffTotp | None:
    return session.scalars(select(StaffTotp).where(StaffTotp.staff_id == staff_id)).one_or_none()


def _row_of_code(session: Session, staff_id: str, code_hash: str) -> RecoveryCode | None:
    mine = select(RecoveryCode).where(RecoveryCode.staff_id == staff_id, RecoveryCode.code_hash == code_hash)
    return session.scalars(mine).one_or_none()


def _recovery_code(home: Home) -> str:
    signs = b32encode(home.random(RECOVERY_BYTES)).decode().lower()
    return "-".join(signs[place : place + 4] for place in range(0, len(signs), 4))


def _hash(typed: str) -> str:
    plain = "".join(sign for sign in typed.lower() if sign.isalnum())
    return hashlib.sha256(plain.encode()).hexdigest()


def _seal(home: Home, staff_id: str, secret: bytes) -> str:
    nonce = home.random(NONCE_BYTES)
    return (nonce + AESGCM(_key(home)).encrypt(nonce, secret, staff_id.encode())).hex()


def _open(home: Home, row: StaffTotp) -> bytes:
    """The secret; nothing that any code answers where it was sealed by another installation's key."""
    sealed = bytes.fromhex(row.secret)
    try:
        return AESGCM(_key(home)).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], row.staff_id.encode())
    except (InvalidTag, ValueError):
        return home.random(SECRET_BYTES)


def _key(home: Home) -> bytes:
    return bytes.fromhex(home.fingerprint(_KEY_NAME))

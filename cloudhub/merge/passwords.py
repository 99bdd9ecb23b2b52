"""One password for one person: what was set in a shop holds in the portal, too, and the old one nowhere.

A shop knows the postings of its own alone, so its entry changes one of them. Here the portal's login follows, in the
same transaction; the other shops' postings follow by an entry of the portal (tenancy/passwords.py).

Invariants:
  * Only the person and an owner, as the hub knows them, set a password that holds elsewhere. What anybody else at a
    shop's PC sets holds in that shop, and the owner is told.
  * Who it was is the word of the shop's PC, and a stolen one says what it likes: an owner's way into the portal is
    changed in the portal alone.
  * With the password all the person's sessions in the portal end.
"""

from __future__ import annotations

from cloudhub.merge.books import Books, Oddity, Version
from cloudhub.merge.work import Work

FIELD = ("staff_posting", "password_hash")
CARRY = "staff.carry_password"  # the portal's act that gives a shop's password to the other shops


def follow_passwords(books: Books, now_ms: int) -> None:
    """Let the portal's logins have the passwords that this admission set."""
    found: dict[str, Version] = {}
    for (entity, row_id, name), version in books.notes.versions.items():
        if (entity, name) == FIELD:
            found[row_id] = version
    if not found:
        return
    for row_id, staff_id, password_hash in books.rows(_POSTINGS, [books.tenant_id, list(found)]):
        version = found[row_id]
        if password_hash is not None and version.work is not None:
            _follow(books, version, version.work, staff_id, password_hash, now_ms)


def may_carry(version: Version, staff_id: str, shop_id: str | None) -> bool:
    """Whether a password set by this writer holds beyond the shop it was set in."""
    return shop_id is None or version.by_owner or version.actor_id == staff_id


def carried_from(books: Books, posting_ids: list[str], shop_id: str) -> list[str]:
    """Those of these postings, of this shop, whose password holds in every shop."""
    books.load_versions({FIELD[0]: posting_ids})
    found = []
    for row_id, staff_id, password_hash in books.rows(f"{_POSTINGS} AND shop_id = %s", [
        books.tenant_id, posting_ids, shop_id,
    ]):  # fmt: skip
        version = books.version(FIELD[0], row_id, FIELD[1])
        if password_hash is not None and version is not None and may_carry(version, staff_id, shop_id):
            found.append(row_id)
    return found


def _follow(books: Books, version: Version, work: Work, staff_id: str, password_hash: str, now_ms: int) -> None:
    shop_id = work.sender.shop_id
    seen_by = (work.origin_id, work.n, shop_id, work.entry["id"])
    if not may_carry(version, staff_id, shop_id):
        books.notes.oddities.append(Oddity("password_kept", "staff", staff_id, *seen_by))
        return
    if (shop_id is not None or work.entry["action"] == CARRY) and books.is_owner(staff_id):
        if shop_id is not None:
            books.notes.oddities.append(Oddity("owner_password_kept", "staff", staff_id, *seen_by))
        return
    if books.run(_LOGIN, [password_hash, books.tenant_id, staff_id, password_hash]):
        books.run(_SESSIONS, [now_ms, books.tenant_id, books.tenant_id, staff_id])
        if shop_id is not None:
            books.notes.oddities.append(Oddity("password_set", "staff", staff_id, *seen_by))


_POSTINGS = """
SELECT id::text, staff_id::text, password_hash FROM staff_posting WHERE tenant_id = %s AND id = ANY (%s::uuid[])
"""
_LOGIN = "UPDATE portal_login SET password_hash = %s WHERE tenant_id = %s AND staff_id = %s AND password_hash <> %s"
_SESSIONS = """
UPDATE portal_session SET ended_at = %s WHERE tenant_id = %s AND ended_at IS NULL AND login_id IN (
  SELECT id FROM portal_login WHERE tenant_id = %s AND staff_id = %s)
"""

"""The vault: who sold us a phone, sealed so that a copy of the books shows nobody.

Invariants:
  * A record is sealed under its shop's key with AES-256-GCM, one nonce each, and its own id as associated data: a
    sealed text that is moved to another record does not open there.
  * Photos are sealed under a key of that one record, which lies inside it: with the record the photos are gone.
  * An installation makes a key only where its shop has none, under an id of its own. So a restored copy of the books
    can never put another key in the place of the one that older records were sealed with.

Sealed text is base64url of: version (1 byte) · key id (16) · nonce (12) · what AES-GCM made of the JSON.
"""

from __future__ import annotations

import base64
import binascii
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import select
from sqlalchemy.orm import Session

from shopnode.domain.capture import add_rows
from shopnode.domain.clock import act_id
from shopnode.domain.context import Context
from shopnode.domain.errors import ShopError
from shopnode.domain.photos.rules import Photo
from shopnode.domain.photos.store import keep_photo, photo_or_none
from shopnode.domain.queries import row_or_none
from shopnode.domain.usedphones.models import SellerIdentity, VaultKey

VERSION = 1
KEY_BYTES = 32
ID_BYTES = 16
NONCE_BYTES = 12
SEALED_MIME = "application/octet-stream"  # nobody shows it as a picture


class VaultShut(ShopError):
    """The record cannot be opened here: its key is not in these books, or it was changed."""

    code, status = "vault-shut", 409

    def __init__(self) -> None:
        super().__init__("This identity cannot be opened with the keys that are here. Ask the owner for the agreement.")


@dataclass(frozen=True)
class SellerDetails:
    """What is known of a seller: the plain text of a sealed record."""

    name: str
    phone: str
    id_type: str
    id_number: str
    address: str | None
    photos: list[str]  # the names of sealed blobs
    signature: str | None
    photo_key: str


def shop_key(ctx: Context) -> VaultKey:
    """The key that this shop seals with; made when there is none yet."""
    assert ctx.shop_id is not None  # only a shop buys
    query = select(VaultKey).where(VaultKey.shop_id == ctx.shop_id, VaultKey.key.is_not(None))
    known = ctx.session.scalars(query.order_by(VaultKey.created_at.desc(), VaultKey.id.desc()).limit(1)).first()
    if known is not None:
        return known
    made = VaultKey(
        id=act_id("vault-key", ctx.shop_id, ctx.home.origin_id), shop_id=ctx.shop_id,
        key=_text(ctx.home.random(KEY_BYTES)), created_at=ctx.now,
    )  # fmt: skip
    add_rows(ctx.session, made)
    return made


def seal(ctx: Context, identity_id: str, details: SellerDetails) -> str:
    """The details as sealed text that opens for this record alone."""
    key = shop_key(ctx)
    nonce = ctx.home.random(NONCE_BYTES)
    locked = AESGCM(_bytes(key.key or "")).encrypt(nonce, orjson.dumps(asdict(details)), identity_id.encode())
    return _text(bytes([VERSION]) + uuid.UUID(key.id).bytes + nonce + locked)


def unseal(session: Session, identity: SellerIdentity) -> SellerDetails:
    """What was sealed. Raises VaultShut, also for a record that was erased."""
    try:
        packed = _bytes(identity.sealed or "")
        key_id = str(uuid.UUID(bytes=packed[1 : 1 + ID_BYTES]))
        key = row_or_none(session, VaultKey, key_id)
        if packed[0] != VERSION or key is None or key.key is None:
            raise VaultShut
        nonce, locked = packed[1 + ID_BYTES :][:NONCE_BYTES], packed[1 + ID_BYTES + NONCE_BYTES :]
        opened = AESGCM(_bytes(key.key)).decrypt(nonce, locked, identity.id.encode())
    except (ValueError, IndexError, binascii.Error, InvalidTag):
        raise VaultShut from None
    return SellerDetails(**orjson.loads(opened))


def fresh_photo_key(ctx: Context) -> str:
    """A key for the photos of one record."""
    return _text(ctx.home.random(KEY_BYTES))


def keep_sealed_photo(ctx: Context, identity_id: str, photo_key: str, content: bytes) -> str:
    """Keep a photo so that only its record opens it; answers the name of the blob."""
    nonce = ctx.home.random(NONCE_BYTES)
    locked = nonce + AESGCM(_bytes(photo_key)).encrypt(nonce, content, identity_id.encode())
    name = sha256(locked).hexdigest()
    keep_photo(ctx.session, Photo(name, locked, SEALED_MIME), ctx.now)
    return name


def sealed_photos(session: Session, identity_id: str, details: SellerDetails, names: Sequence[str]) -> list[bytes]:
    """The photos of a record that are here, opened. They stay in the shop that took them."""
    found = []
    for name in names:
        blob = photo_or_none(session, name)
        if blob is None:
            continue
        nonce, locked = blob.content[:NONCE_BYTES], blob.content[NONCE_BYTES:]
        try:
            found.append(AESGCM(_bytes(details.photo_key)).decrypt(nonce, locked, identity_id.encode()))
        except InvalidTag:
            raise VaultShut from None
    return found


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))

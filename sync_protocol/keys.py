"""Ed25519 keys and signatures as texts.

Invariants:
  * Public keys and signatures travel as base64url without padding, in the one spelling that encodes them.
  * What is signed begins with words of its own (`chain.py`) or is an RFC 9421 signature base (`signing.py`).
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

KEY_BYTES = 32
SIGNATURE_BYTES = 64


def public_text(key: Ed25519PrivateKey | Ed25519PublicKey) -> str:
    """The public half of a key, for messages."""
    public = key.public_key() if isinstance(key, Ed25519PrivateKey) else key
    return _to_text(public.public_bytes_raw())


def read_public(text: str) -> Ed25519PublicKey:
    """Raises ValueError for anything but a public key in its one spelling."""
    return Ed25519PublicKey.from_public_bytes(_to_bytes(text, KEY_BYTES))


def read_private(raw: bytes) -> Ed25519PrivateKey:
    """A private key from its 32 secret bytes; they never travel, so they have no text form."""
    return Ed25519PrivateKey.from_private_bytes(raw)


def sign(key: Ed25519PrivateKey, message: bytes) -> str:
    """The signature of a message as text."""
    return _to_text(key.sign(message))


def verifies(key: Ed25519PublicKey, message: bytes, signature: str) -> bool:
    """Whether this is the key's signature of the message."""
    try:
        key.verify(_to_bytes(signature, SIGNATURE_BYTES), message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _to_text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _to_bytes(text: str, length: int) -> bytes:
    raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if len(raw) != length or _to_text(raw) != text:
        raise ValueError(f"not {length} bytes of base64url")
    return raw

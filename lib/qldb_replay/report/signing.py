"""Ed25519 signatures: private and public keys as PEM files, by the package `cryptography`.

A key's fingerprint is the SHA-256 of its public key in DER, as
`openssl pkey -pubin -in KEY -outform DER | sha256sum` prints it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from qldb_replay.errors import UsageError

ALGORITHM = "Ed25519"
PUBLIC_BYTES = 32
SIGNATURE_BYTES = 64


@dataclass(frozen=True)
class PublicKey:
    """A public key.

    Attributes:
        raw: its 32 bytes.
    """

    raw: bytes

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the key in DER, in hexadecimal."""
        # The DER form of an Ed25519 public key is this head before the raw key (RFC 8410).
        return hashlib.sha256(bytes.fromhex("302a300506032b6570032100") + self.raw).hexdigest()

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Says whether a signature is this key's over a message.

        Raises:
            UsageError: `cryptography` is not installed.
        """
        ed25519 = _ed25519()
        from cryptography.exceptions import InvalidSignature

        try:
            ed25519.Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True)
class SigningKey:
    """A private key.

    Attributes:
        public: its public key.
    """

    public: PublicKey
    _private: Any

    def sign(self, message: bytes) -> bytes:
        """Signs a message; the same one always gives the same 64 bytes."""
        return bytes(self._private.sign(message))


def read_signing_key(pem: bytes) -> SigningKey:
    """Reads a private key, as `openssl genpkey -algorithm ed25519` makes it.

    Args:
        pem: content of the PEM file.

    Returns:
        The key.

    Raises:
        UsageError: no unencrypted Ed25519 private key in PEM, or `cryptography` is not installed.
            The message says nothing of the content.
    """
    ed25519 = _ed25519()
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        private = load_pem_private_key(pem, password=None)
    except TypeError:
        raise UsageError("signing key: encrypted, expected a private key without a password") from (
            None
        )
    except Exception:
        # The library has no one error for what is no key.
        raise UsageError("signing key: expected an Ed25519 private key in PEM") from None
    if not isinstance(private, ed25519.Ed25519PrivateKey):
        raise UsageError("signing key: expected an Ed25519 key, found another algorithm's")
    return SigningKey(PublicKey(private.public_key().public_bytes_raw()), private)


def read_public_key(pem: bytes) -> PublicKey:
    """Reads a public key, as `openssl pkey -pubout` writes it.

    Args:
        pem: content of the PEM file.

    Returns:
        The key.

    Raises:
        UsageError: no Ed25519 public key in PEM, or `cryptography` is not installed.
    """
    ed25519 = _ed25519()
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        public = load_pem_public_key(pem)
    except Exception:
        # The library has no one error for what is no key.
        raise UsageError("public key: expected an Ed25519 public key in PEM") from None
    if not isinstance(public, ed25519.Ed25519PublicKey):
        raise UsageError("public key: expected an Ed25519 key, found another algorithm's")
    return PublicKey(public.public_bytes_raw())


def _ed25519() -> ModuleType:
    # Only who signs, or checks a signature, needs the library.
    try:
        from cryptography.hazmat.primitives.asymmetric import ed25519
    except ImportError:
        raise UsageError(
            "signatures need the package cryptography: install qldb-replay with the extra `sign`"
        ) from None
    return ed25519

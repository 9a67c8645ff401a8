"""The key with which webhook events are signed, as SendGrid signs them: ECDSA on P-256 over timestamp and body."""

from __future__ import annotations

import base64
import os
from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from drip.errors import SettingsError

SIGNATURE_HEADER = "X-Twilio-Email-Event-Webhook-Signature"
TIMESTAMP_HEADER = "X-Twilio-Email-Event-Webhook-Timestamp"

SigningKey = ec.EllipticCurvePrivateKey


def new_key() -> SigningKey:
    """Return a fresh private key."""
    return ec.generate_private_key(ec.SECP256R1())


def load_key(path: Path) -> SigningKey:
    """Return the private key kept at *path*, made and written there (readable by its owner only) when there is none."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        pem = new_key().private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(pem)
        # A link fails where a rename would replace: of two processes that start at once, one key wins.
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise SettingsError(f"{path} is not an ECDSA key.")
    return key


def public_text(key: SigningKey) -> str:
    """Return the public key as SendGrid's settings page shows it: DER in base64."""
    der = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(der).decode("ascii")


def signature(key: SigningKey, timestamp: str, body: bytes) -> str:
    """Return the signature of one request in base64."""
    return base64.b64encode(key.sign(timestamp.encode("ascii") + body, ec.ECDSA(hashes.SHA256()))).decode("ascii")

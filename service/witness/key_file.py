"""The witness's private key, in a file that only its user can read, in the form that Go's sumdb/note has for it."""

import os
from base64 import b64decode, b64encode
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from events.transparency.notes import COSIGNATURE, SignerKey

HEADER = "PRIVATE+KEY"


class BadKeyFile(Exception):
    """The file is not the private key of this witness; the text says what to do."""


def signer(file: Path, name: str) -> SignerKey:
    """Return the key in the file, which is created if it is missing. Raises BadKeyFile."""
    try:
        return _read(file, name)
    except FileNotFoundError:
        _create(file, name)
        return _read(file, name)


def _read(file: Path, name: str) -> SignerKey:
    header, _, rest = file.read_text(encoding="utf-8").strip().partition(f"{HEADER}+")
    stored_name, *parts = rest.split("+", 2)
    try:
        key = b64decode(parts[1], validate=True)
    except (ValueError, IndexError) as fault:
        raise BadKeyFile(f"{file} is not the private key of a witness.") from fault
    if header or len(key) != 33 or key[0] != COSIGNATURE:
        raise BadKeyFile(f"{file} is not the private key of a witness.")
    if stored_name != name:
        raise BadKeyFile(
            f"{file} is the key of the witness {stored_name}; give {name} a directory of its own (--data)."
        )
    return SignerKey(name, COSIGNATURE, Ed25519PrivateKey.from_private_bytes(key[1:]))


def _create(file: Path, name: str) -> None:
    made = SignerKey(name, COSIGNATURE, Ed25519PrivateKey.generate())
    key = b64encode(bytes([COSIGNATURE]) + made.private.private_bytes_raw()).decode()
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as opened:
        opened.write(f"{HEADER}+{name}+{made.verifier.key_id.hex()}+{key}\n")
        opened.flush()
        os.fsync(opened.fileno())

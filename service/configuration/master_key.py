"""The master key of an embedded database: made once, stored beside the data, readable by its owner only."""

import base64
import os
import secrets
from contextlib import suppress
from pathlib import Path

from service.configuration.environment import decode_master_key
from service.configuration.settings import WrongSettings

FILE = "master.key"


def of_directory(data: Path) -> bytes:
    """Return the key of this directory. If two processes find none, they agree on one. Raises WrongSettings if it cannot be read."""
    place = data / FILE
    if not place.exists():
        _make(place)
    key = decode_master_key(place.read_text().strip())
    if key is None:
        raise WrongSettings(
            [f"{place} does not hold a master key; restore it from a backup: without it no signing key can be read."]
        )
    return key


def as_text(key: bytes) -> str:
    """Return the key in the form of MUNIMENT_MASTER_KEY."""
    return base64.urlsafe_b64encode(key).decode()


def write_private(place: Path, content: bytes) -> None:
    """Write a file that only its owner can read, completely or not at all, and durably."""
    draft = place.with_name(f".{place.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)  # left by a process with the same id that was killed while writing
    with open(draft, "wb", opener=lambda path, flags: os.open(path, flags | os.O_EXCL, 0o600)) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(place)


def _make(place: Path) -> None:
    draft = place.with_name(f".{place.name}.{os.getpid()}")
    write_private(draft, as_text(secrets.token_bytes(32)).encode() + b"\n")
    with suppress(FileExistsError):
        place.hardlink_to(draft)  # unlike a rename, a link never replaces a key that another process has just made
    draft.unlink()

"""Where `muniment login` keeps what it was given: one file of the person's own, which nobody else may read."""

import os
import tempfile
from pathlib import Path

from msgspec import DecodeError, Struct, json

from service.cli.fault import Plainly


class SignedIn(Struct, frozen=True, kw_only=True):
    """`expires_at` is in seconds since 1970. The repr hides the tokens."""

    issuer: str
    client_id: str
    token_endpoint: str
    revocation_endpoint: str | None
    access_token: str
    expires_at: float
    scope: str
    refresh_token: str | None = None

    def __repr__(self) -> str:
        return f"SignedIn(issuer={self.issuer!r})"


def path() -> Path:
    """XDG Base Directory Specification: state that outlives a restart, and is nobody's setting."""
    state = os.environ.get("XDG_STATE_HOME") or ""
    base = Path(state) if Path(state).is_absolute() else Path.home() / ".local" / "state"
    return base / "muniment" / "login.json"


def read() -> SignedIn | None:
    """Raises Plainly."""
    try:
        return json.decode(path().read_bytes(), type=SignedIn)
    except FileNotFoundError:
        return None
    except (OSError, DecodeError) as fault:
        raise Plainly(f"{path()} cannot be read ({fault}); remove it and sign in again: muniment login") from fault


def keep(signed_in: SignedIn) -> None:
    """The file is whole at each moment, and is never readable by others. Raises Plainly."""
    file = path()
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=file.parent, prefix=".login")  # which makes it with mode 0600
        with os.fdopen(handle, "wb") as out:
            out.write(json.encode(signed_in))
        Path(name).replace(file)
    except OSError as fault:
        raise Plainly(f"{file} cannot be written: {fault.strerror}") from fault


def forget() -> None:
    path().unlink(missing_ok=True)

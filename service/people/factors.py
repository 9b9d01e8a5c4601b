"""What people prove themselves with beside the password: authenticator apps (TOTP, RFC 6238) and passkeys (WebAuthn Level 2)."""

from datetime import datetime
from hmac import compare_digest
from ipaddress import ip_address
from typing import Protocol
from urllib.parse import urlsplit
from uuid import UUID

from msgspec import Struct, json
from pyotp import random_base32
from pyotp.totp import TOTP

from events.sealed import Sealed
from events.user import Factor
from projections import users
from service.crypto.credentials import new_id

STEP_SECONDS = 30
DRIFT_STEPS = 1
"""How far the clock of a phone may be off: one code earlier or later (RFC 6238 section 5.2)."""


class Totp(Struct, frozen=True, kw_only=True, tag="totp"):
    """The secret that the person's app has too, in base32, and what they call that app, if they have a name for it."""

    secret: str
    name: str = ""

    def __repr__(self) -> str:
        return "Totp(…)"


class Passkey(Struct, frozen=True, kw_only=True, tag="passkey"):
    """The public half of a credential, and what its owner calls it."""

    credential_id: bytes
    public_key: bytes
    name: str


class Kept(Struct, frozen=True, kw_only=True):
    """A factor of a person, opened."""

    factor_id: UUID
    what: Totp | Passkey
    created_at: datetime


class Relying(Struct, frozen=True, kw_only=True):
    """Who we are to an authenticator: it gives a passkey to this host and origin alone."""

    id: str
    origin: str


class Owner(Struct, frozen=True, kw_only=True):
    """What an authenticator keeps of whose passkey it is."""

    user: UUID
    email: str
    name: str

    def __repr__(self) -> str:
        return f"Owner(user={self.user})"


class NotProved(Exception):
    """The passkey's answer proves nothing; the text says why, for the log."""


class Sealing(Protocol):
    """Who seals and opens what is a person's own (People)."""

    async def seal(self, user: UUID, plain: bytes) -> Sealed: ...
    async def open(self, user: UUID, sealed: Sealed) -> bytes | None: ...


async def kept(people: Sealing, row: users.Row) -> list[Kept]:
    """What this person can prove themselves with, oldest first."""
    found: list[Kept] = []
    for factor in row.factors:
        plain = await people.open(row.stream_id, factor.kept)
        if plain is not None:
            what = json.decode(plain, type=Totp | Passkey)
            found.append(Kept(factor_id=factor.factor_id, what=what, created_at=factor.created_at))
    return found


def new(what: Totp | Passkey, at: datetime) -> Kept:
    return Kept(factor_id=new_id(), what=what, created_at=at)


async def sealed(people: Sealing, user: UUID, kept: Kept) -> Factor:
    """The factor as the log keeps it."""
    kind = "totp" if isinstance(kept.what, Totp) else "passkey"
    plain = json.encode(kept.what)
    return Factor(factor_id=kept.factor_id, kind=kind, kept=await people.seal(user, plain), created_at=kept.created_at)


def passkeys(factors: list[Kept]) -> list[Passkey]:
    return [each.what for each in factors if isinstance(each.what, Passkey)]


def new_totp() -> Totp:
    return Totp(secret=random_base32())


def uri(totp: Totp, account: str, issuer: str) -> str:
    """What the QR code says to the app."""
    return TOTP(totp.secret).provisioning_uri(name=account, issuer_name=issuer)


def step_of(totp: Totp, code: str, now: datetime) -> int | None:
    """The time step that this code is of, near now, or None. One step is to be taken once: a code seen is a code spent."""
    given = "".join(code.split()).encode("utf-8", "replace")
    generator, step = TOTP(totp.secret), int(now.timestamp()) // STEP_SECONDS
    near = range(step - DRIFT_STEPS, step + DRIFT_STEPS + 1)
    matching = [each for each in near if compare_digest(generator.at(each * STEP_SECONDS).encode(), given)]
    return matching[0] if matching else None


def relying(issuer: str) -> Relying | None:
    """None where the host is an address: passkeys belong to names (WebAuthn section 5.1.2)."""
    parts = urlsplit(issuer)
    host = parts.hostname or ""
    try:
        ip_address(host)
    except ValueError:
        return Relying(id=host, origin=f"{parts.scheme}://{parts.netloc}")
    return None

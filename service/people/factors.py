"""The factors that users have beside the password: authenticator apps (TOTP, RFC 6238) and passkeys (WebAuthn Level 2)."""

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
"""The accepted clock drift of a phone: one code earlier or later (RFC 6238 section 5.2)."""


class Totp(Struct, frozen=True, kw_only=True, tag="totp"):
    """The secret in base32, which the user's app has too, and the user's name for that app, if any."""

    secret: str
    name: str = ""

    def __repr__(self) -> str:
        return "Totp(…)"


class Passkey(Struct, frozen=True, kw_only=True, tag="passkey"):
    """The credential's public key and the user's name for it."""

    credential_id: bytes
    public_key: bytes
    name: str


class Kept(Struct, frozen=True, kw_only=True):
    """A factor of a user, unsealed."""

    factor_id: UUID
    what: Totp | Passkey
    created_at: datetime


class Relying(Struct, frozen=True, kw_only=True):
    """Muniment as a relying party: an authenticator uses a passkey for this host and origin only."""

    id: str
    origin: str


class Owner(Struct, frozen=True, kw_only=True):
    """The user as the authenticator stores and shows them."""

    user: UUID
    email: str
    name: str

    def __repr__(self) -> str:
        return f"Owner(user={self.user})"


class NotProved(Exception):
    """The passkey's response proves nothing. The text says why, for the log."""


class Sealing(Protocol):
    """Seals and opens a user's personal data (People)."""

    async def seal(self, user: UUID, plain: bytes) -> Sealed: ...
    async def open(self, user: UUID, sealed: Sealed) -> bytes | None: ...


async def kept(people: Sealing, row: users.Row) -> list[Kept]:
    """Return the user's factors, oldest first."""
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
    """Return the factor as the log keeps it."""
    kind = "totp" if isinstance(kept.what, Totp) else "passkey"
    plain = json.encode(kept.what)
    return Factor(factor_id=kept.factor_id, kind=kind, kept=await people.seal(user, plain), created_at=kept.created_at)


def passkeys(factors: list[Kept]) -> list[Passkey]:
    return [each.what for each in factors if isinstance(each.what, Passkey)]


def new_totp() -> Totp:
    return Totp(secret=random_base32())


def uri(totp: Totp, account: str, issuer: str) -> str:
    """Return the otpauth URI that the QR code contains."""
    return TOTP(totp.secret).provisioning_uri(name=account, issuer_name=issuer)


def step_of(totp: Totp, code: str, now: datetime) -> int | None:
    """Return the time step of this code if it is near now, else None. The caller accepts each step only once (RFC 6238 section 5.2)."""
    given = "".join(code.split()).encode("utf-8", "replace")
    generator, step = TOTP(totp.secret), int(now.timestamp()) // STEP_SECONDS
    near = range(step - DRIFT_STEPS, step + DRIFT_STEPS + 1)
    matching = [each for each in near if compare_digest(generator.at(each * STEP_SECONDS).encode(), given)]
    return matching[0] if matching else None


def relying(issuer: str) -> Relying | None:
    """Return None if the host is an IP address, because a relying party ID must be a domain (WebAuthn section 5.1.2)."""
    parts = urlsplit(issuer)
    host = parts.hostname or ""
    try:
        ip_address(host)
    except ValueError:
        return Relying(id=host, origin=f"{parts.scheme}://{parts.netloc}")
    return None

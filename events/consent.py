"""What a person allowed a client, and what is left of that. Its stream is named by the person, the client and the resource."""

from datetime import datetime
from hashlib import sha256
from uuid import UUID

from msgspec import Struct


class ConsentGiven(Struct, frozen=True, kw_only=True, gc=False, tag="consent.given"):
    """`scopes` are all that the person has allowed by now, those from before too."""

    user: UUID
    client_id: str
    resource: str | None
    scopes: tuple[str, ...]
    at: datetime


class ConsentWithdrawn(Struct, frozen=True, kw_only=True, gc=False, tag="consent.withdrawn"):
    at: datetime


ConsentEvent = ConsentGiven | ConsentWithdrawn


class NoConsent(Struct, frozen=True):
    pass


class Consented(Struct, frozen=True, kw_only=True, gc=False):
    scopes: tuple[str, ...]


Consent = NoConsent | Consented

_VERSION_AND_VARIANT = 0xF << 76 | 0x3 << 62
_CUSTOM = 0x8 << 76 | 0x2 << 62
"""The bits that say that a UUID is of one's own making (version 8, RFC 9562 section 5.8); Python's UUID makes none before 3.14."""


def stream_of(user: UUID, client_id: str, resource: str | None) -> UUID:
    """The one stream of this person's consent to this client for this resource (None: the server's own audience)."""
    named = sha256(b"\0".join((b"consent", user.bytes, client_id.encode(), (resource or "").encode()))).digest()
    return UUID(int=int.from_bytes(named[:16]) & ~_VERSION_AND_VARIANT | _CUSTOM)


def evolve(_consent: Consent, event: ConsentEvent) -> Consent:
    """What is allowed after the event. Total: it never refuses."""
    match event:
        case ConsentGiven():
            return Consented(scopes=event.scopes)
        case ConsentWithdrawn():
            return NoConsent()

"""The events of a user's consent to a client. The user, the client and the resource name its stream."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from events.naming import stream_named


class ConsentGiven(Struct, frozen=True, kw_only=True, gc=False, tag="consent.given"):
    """`scopes` are all scopes that the user has allowed so far, including earlier ones."""

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


def stream_of(user: UUID, client_id: str, resource: str | None) -> UUID:
    """Returns the stream of this user's consent to this client for this resource (None: the server's own audience)."""
    return stream_named(b"consent", user.bytes, client_id.encode(), (resource or "").encode())


def evolve(_consent: Consent, event: ConsentEvent) -> Consent:
    """Returns the consent after the event. It never refuses."""
    match event:
        case ConsentGiven():
            return Consented(scopes=event.scopes)
        case ConsentWithdrawn():
            return NoConsent()

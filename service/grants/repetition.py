"""A request that says the same as one before, byte for byte."""

from math import inf
from uuid import UUID

from msgspec import Struct

from projections.clients import Row
from service.resources import Resources


class Repetition(Struct, frozen=True, gc=False):
    """A request that may be one: `digest` is that of all that it says, and `address` from where it came."""

    resources: Resources
    digest: bytes
    address: str


def proof_until(client: Row, secret: UUID) -> float | None:
    """Return until when the client can prove itself by this again, in seconds since 1970; None if it is no secret: an assertion can be
    used once.
    """
    by = next((each for each in client.secrets if each.secret_id == secret), None)
    if by is None:
        return None
    return inf if by.expires_at is None else by.expires_at.timestamp()

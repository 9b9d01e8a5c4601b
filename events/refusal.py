"""Events of refused requests that belong to no other stream. Each has its own stream; they are a sample of all refusals."""

from datetime import datetime
from typing import Literal

from msgspec import Struct

WhyNot = Literal[
    "unknown_client", "client_deleted", "client_stopped", "no_secret", "wrong_secret", "expired_secret", "throttled"
]


class AuthorizationRefused(Struct, frozen=True, kw_only=True, gc=False, tag="refusal.authorization"):
    """An authorization request of this client was refused. The event contains no secret and no parameter of the request."""

    client_id: str
    why: str
    at: datetime


class ClientAuthenticationRefused(Struct, frozen=True, kw_only=True, gc=False, tag="refusal.client_authentication"):
    """Client authentication failed. `client_id` is the id of a client that exists or existed, and None for any other text."""

    client_id: str | None
    why: WhyNot
    at: datetime


class RequestsThrottled(Struct, frozen=True, kw_only=True, gc=False, tag="refusal.throttled"):
    """The client (None: an unauthenticated caller) sent more requests to the management API in one minute than the limit."""

    client_id: str | None
    limit: int
    at: datetime


RefusalEvent = AuthorizationRefused | ClientAuthenticationRefused | RequestsThrottled

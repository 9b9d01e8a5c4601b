"""What was refused before anything began, or of which nothing is known. Each is a stream of its own, and a sample of what was refused."""

from datetime import datetime
from typing import Literal

from msgspec import Struct

WhyNot = Literal[
    "unknown_client", "client_deleted", "client_stopped", "no_secret", "wrong_secret", "expired_secret", "throttled"
]


class AuthorizationRefused(Struct, frozen=True, kw_only=True, gc=False, tag="refusal.authorization"):
    """A request came in the name of this client and was refused. Never a secret, and nothing of what was sent."""

    client_id: str
    why: str
    at: datetime


class ClientAuthenticationRefused(Struct, frozen=True, kw_only=True, gc=False, tag="refusal.client_authentication"):
    """Somebody did not prove to be this client. `client_id` is that of a client that there is or was, and None for any other text."""

    client_id: str | None
    why: WhyNot
    at: datetime


class RequestsThrottled(Struct, frozen=True, kw_only=True, gc=False, tag="refusal.throttled"):
    """More requests to the management API in one minute than the limit, by this client, or (None) by somebody unauthenticated."""

    client_id: str | None
    limit: int
    at: datetime


RefusalEvent = AuthorizationRefused | ClientAuthenticationRefused | RequestsThrottled

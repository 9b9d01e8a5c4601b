"""What was refused before anything began, or of which nothing is known. Each is a stream of its own."""

from datetime import datetime

from msgspec import Struct


class AuthorizationRefused(Struct, frozen=True, kw_only=True, gc=False, tag="refusal.authorization"):
    """A request came in the name of this client and was refused. Never a secret, and nothing of what was sent."""

    client_id: str
    why: str
    at: datetime


RefusalEvent = AuthorizationRefused

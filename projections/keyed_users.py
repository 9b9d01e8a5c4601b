"""Users with the data keys that open their personal data."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from events.sealed import Sealed

COLUMNS = "u.stream_id, u.state, u.verified, u.profile, u.created_at, p.wrapped"
"""Those of KeyedUser, from `read.users u` and `vault.people p`."""


class KeyedUser(Struct, frozen=True, gc=False):
    """What claims about a user are made of. `wrapped` is the data key as it is stored, or None if it is destroyed."""

    stream_id: UUID
    state: str
    verified: bool
    profile: Sealed | None
    created_at: datetime
    wrapped: bytes | None

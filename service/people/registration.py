"""The data of a new account."""

from datetime import UTC, datetime

from msgspec import Struct, field

from service.values.profile import Profile


class Registration(Struct, frozen=True, kw_only=True):
    """`upstream` identifies the user at their OpenID Provider: its issuer, and the user's subject there."""

    profile: Profile
    password: str | None
    verified: bool = False
    upstream: tuple[str, str] | None = None
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __repr__(self) -> str:
        return "Registration(…)"

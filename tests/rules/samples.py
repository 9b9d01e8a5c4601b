"""Things for tests to happen to: one of each, and strategies for any of them."""

from datetime import UTC, datetime
from uuid import UUID

from events.access_token import AccessTokenRevoked
from events.bot import BotDeleted, BotDisabled, BotEnabled, BotRegistered
from events.client import (
    AuthorizationCode,
    ClientCredentials,
    ClientDeleted,
    ClientDisabled,
    ClientDisplayNameChanged,
    ClientEnabled,
    ClientRedirectUrisChanged,
    ClientRegistered,
    ClientScopesChanged,
    ClientSecretAdded,
    ClientSecretRevoked,
    StoredSecret,
)
from events.codec import Event
from events.signing_key import PublicJwk, SigningKeyActivated, SigningKeyPublished, SigningKeyRetired

AT = datetime(2026, 1, 2, 3, 4, 5, 678901, UTC)
LATER = datetime(2027, 1, 2, 3, 4, 5, tzinfo=UTC)
STREAM = UUID("0192f000-0000-7000-8000-000000000001")
HASH = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"  # of "secret"


def secret(number: int, *, expires_at: datetime | None = None) -> StoredSecret:
    return StoredSecret(
        secret_id=UUID(int=number), name=f"no. {number}", hash=HASH, hint="…cret", created_at=AT, expires_at=expires_at
    )


SECRET = secret(1)
REGISTERED = ClientRegistered(
    owner="alice",
    grant=ClientCredentials(bot_user_id="bot-abc123"),
    display_name="Production CRM Integration",
    redirect_uris=(),
    scopes=("api:public",),
    secret=SECRET,
    at=AT,
)
INTERACTIVE = ClientRegistered(
    owner="alice",
    grant=AuthorizationCode(),
    display_name=None,
    redirect_uris=("https://app.example.com/callback",),
    scopes=("api:public",),
    secret=SECRET,
    at=AT,
)
RENAMED = ClientDisplayNameChanged(display_name="CRM", was="Production CRM Integration")
MOVED = ClientRedirectUrisChanged(redirect_uris=("https://app.example.com/other",), was=())
NARROWED = ClientScopesChanged(scopes=(), was=("api:public",))
SECRET_ADDED = ClientSecretAdded(secret=secret(2))
SECRET_REVOKED = ClientSecretRevoked(secret_id=UUID(int=1))
DISABLED, ENABLED, DELETED = ClientDisabled(), ClientEnabled(), ClientDeleted()

BOT_REGISTERED = BotRegistered(owner="alice", email="crm@example.com", first_name="Cee", last_name=None, at=AT)
BOT_DISABLED, BOT_ENABLED, BOT_DELETED = BotDisabled(), BotEnabled(), BotDeleted()

JWK = PublicJwk(
    kty="EC",
    crv="P-256",
    x="MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
    y="4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
)
PUBLISHED = SigningKeyPublished(kid="key-1", alg="ES256", public_jwk=JWK, at=AT)
ACTIVATED, RETIRED = SigningKeyActivated(at=AT), SigningKeyRetired(at=LATER)

REVOKED = AccessTokenRevoked(client_id=f"oauth_client_{STREAM.hex}", expires_at=LATER, at=AT)

EVENTS: tuple[Event, ...] = (
    REGISTERED,
    INTERACTIVE,
    RENAMED,
    MOVED,
    NARROWED,
    SECRET_ADDED,
    SECRET_REVOKED,
    DISABLED,
    ENABLED,
    DELETED,
    BOT_REGISTERED,
    BOT_DISABLED,
    BOT_ENABLED,
    BOT_DELETED,
    PUBLISHED,
    ACTIVATED,
    RETIRED,
    REVOKED,
)
"""At least one of every type."""

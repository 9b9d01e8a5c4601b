"""How a client came about that registered itself, and what it says about itself (RFC 7591)."""

from uuid import UUID

from msgspec import Struct


class About(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """Client metadata that decides nothing, by its names in RFC 7591 section 2. The client chose it, and nobody has verified it.

    `scope` is what it asked for, as far as it may have it: all of it, also scopes about users.
    """

    application_type: str = "web"
    grant_types: tuple[str, ...] = ()
    scope: tuple[str, ...] = ()
    client_uri: str | None = None
    logo_uri: str | None = None
    policy_uri: str | None = None
    tos_uri: str | None = None
    initiate_login_uri: str | None = None
    contacts: tuple[str, ...] = ()
    software_id: str | None = None
    software_version: str | None = None


class Registration(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """`token_hash` is the SHA-256 (hex) of the registration access token (RFC 7592 section 3).

    `initial_access_token` is the id of the token that allowed the registration; None: it was open to everybody.
    """

    about: About
    token_hash: str
    initial_access_token: UUID | None = None

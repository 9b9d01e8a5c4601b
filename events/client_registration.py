"""How a client came about that registered itself, and what it says about itself (RFC 7591)."""

from uuid import UUID

from msgspec import Struct


class About(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """Client metadata that decides little, by its names in RFC 7591 section 2. The client chose it, and nobody has verified it.

    With refresh_token in `grant_types` it gets refresh tokens that end with the session of the user, without asking for offline_access.

    `software_statement_issuer` signed a statement about the client, from which some of it is (RFC 7591 section 2.3).

    `scope` is what it asked for, as far as it may have it: all of it, also scopes about users.

    `contacts` is not written any more, for they are addresses of people. Stored events that have it keep their bytes.
    """

    token_endpoint_auth_method: str = "client_secret_basic"  # noqa: S105
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
    software_statement_issuer: str | None = None


class Registration(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """`token_hash` is the SHA-256 (hex) of the registration access token (RFC 7592 section 3).

    `initial_access_token` is the id of the token that allowed the registration; None: it was open to everybody.
    """

    about: About
    token_hash: str
    initial_access_token: UUID | None = None


class ClientAboutChanged(Struct, frozen=True, kw_only=True, gc=False, tag="client.about_changed"):
    """The client changed what it says about itself (RFC 7592 section 2.2)."""

    about: About
    was: About


def about_changed(registration: Registration | None, event: ClientAboutChanged) -> Registration | None:
    """Returns the registration after the event."""
    return None if registration is None else registration.__replace__(about=event.about)

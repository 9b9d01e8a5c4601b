"""Signing in elsewhere: what passes between the pages and the client of the upstream provider, which is loaded only where there is one."""

from typing import Annotated, Any

from msgspec import Meta, Struct


class UpstreamAway(Exception):
    """The provider cannot be reached, or answers what nobody can use. The text is for the log, and has nothing of a person."""


class UpstreamRefused(Exception):
    """The provider, or a check of what it said, says no to this sign-in."""


class Begun(Struct, frozen=True, kw_only=True):
    """What the browser keeps, sealed, until the provider sends it back."""

    state: str
    nonce: str
    verifier: str
    request: str = ""
    next: str = ""

    def __repr__(self) -> str:
        return "Begun(…)"


class Identity(Struct, frozen=True, kw_only=True):
    """Who the provider says it is (OpenID Connect Core 1.0 section 5.1)."""

    sub: Annotated[str, Meta(min_length=1, max_length=255)]
    email: str | None = None
    email_verified: Any = False
    name: str | None = None
    given_name: str | None = None
    family_name: str | None = None

    def __repr__(self) -> str:
        return "Identity(…)"

"""Signing in elsewhere: what passes between the pages and the client of the upstream provider, which is loaded only where there is one."""

from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import Meta, Struct

from service.configuration.upstream import STANDARD, Upstream
from service.oauth.claims import BY_SCOPE

LEEWAY_SECONDS = 30
"""By how much the clocks of two servers may differ."""

LATEST = 2.0**40


class UpstreamAway(Exception):
    """The provider cannot be reached, or answers what nobody can use. The text is for the log, and has nothing of a person."""


class UpstreamRefused(Exception):
    """The provider, or a check of what it said, says no to this sign-in."""


class UpstreamStale(UpstreamRefused):
    """The person proved themselves to the provider too long ago, or nobody knows when."""


class Begun(Struct, frozen=True, kw_only=True):
    """What the browser keeps, sealed, until the provider sends it back. `at` is in seconds since 1970, `max_age` what was
    asked of the provider, `parts` the number of cookies that hold what the client asked for.
    """

    state: str
    nonce: str
    verifier: str
    at: float
    max_age: int | None = None
    next: str = ""
    parts: int = 0

    def __repr__(self) -> str:
        return "Begun(…)"


class Identity(Struct, frozen=True, kw_only=True):
    """Who the provider says it is, since when (OpenID Connect Core 1.0 section 2, `auth_time`), and all its claims, as they came."""

    sub: Annotated[str, Meta(min_length=1, max_length=255)]
    auth_time: Any = None
    claims: Mapping[str, Any]

    def __repr__(self) -> str:
        return "Identity(…)"


def lacks(claims: Mapping[str, Any], upstream: Upstream) -> bool:
    """Whether the ID token leaves out what was asked for: by its scopes a provider may answer it at userinfo alone (Core section 5.4)."""
    names = upstream.claims
    by_scope = {names[BY_SCOPE[scope][0]] for scope in upstream.scope.split() if BY_SCOPE.get(scope, ("",))[0] in names}
    chosen = {theirs for ours, theirs in names.items() if STANDARD.get(ours) != theirs}
    return not by_scope | chosen <= claims.keys()


def joined(claims: Mapping[str, Any], told: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """The ID token's claims with those of userinfo; an address comes with the word on it of the place that it is from."""
    address, verified = names["email"], names["email_verified"]
    kept = {name: value for name, value in claims.items() if address not in told or name != verified}
    told = {name: value for name, value in told.items() if address in told or name != verified}
    return {**kept, **told}


def proved_at(auth_time: Any, begun: Begun, now: float) -> float | None:
    """When the person proved who they are, by our clock, in seconds since 1970; None when the provider does not say.

    Raises UpstreamStale where that was to be newer (OpenID Connect Core 1.0 section 3.1.3.7 number 13).
    """
    known = isinstance(auth_time, int | float) and not isinstance(auth_time, bool) and 0 <= auth_time < LATEST
    at = min(now, auth_time + LEEWAY_SECONDS) if known else None
    if begun.max_age is not None and (at is None or at < begun.at - begun.max_age):
        raise UpstreamStale(
            "the person did not prove themselves anew to the provider, or it does not say when (auth_time)"
        )
    return at

"""Sign-in at an upstream OpenID provider: the types between the pages and `upstream`, which is loaded only if a provider is configured."""

from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import Meta, Struct

from service.clock import LATEST
from service.configuration.upstream import STANDARD, Upstream
from service.values.claim_scopes import BY_SCOPE

LEEWAY_SECONDS = 30
"""The allowed difference between the clocks of two servers."""


class UpstreamAway(Exception):
    """The provider cannot be reached, or its response is not usable. The text is for the log and contains no personal data."""


class UpstreamRefused(Exception):
    """The provider refused this sign-in, or its response failed a check."""


class UpstreamStale(UpstreamRefused):
    """The user authenticated at the provider too long ago, or the provider does not say when."""


class Begun(Struct, frozen=True, kw_only=True):
    """The state of a sign-in, sealed in a cookie until the provider redirects the browser back. `at` is in seconds since 1970, `max_age`
    is the value sent to the provider in seconds, and `parts` is the number of cookies that hold the client's authorization request.
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
    """The subject at the provider, its `auth_time` (OpenID Connect Core 1.0 section 2), and all claims as the provider sent them."""

    sub: Annotated[str, Meta(min_length=1, max_length=255)]
    auth_time: Any = None
    claims: Mapping[str, Any]

    def __repr__(self) -> str:
        return "Identity(…)"


def lacks(claims: Mapping[str, Any], upstream: Upstream) -> bool:
    """Whether the ID token lacks a requested claim. A provider may return the claims of a scope only at its userinfo endpoint
    (OpenID Connect Core 1.0 section 5.4).
    """
    names = upstream.claims
    by_scope = {names[BY_SCOPE[scope][0]] for scope in upstream.scope.split() if BY_SCOPE.get(scope, ("",))[0] in names}
    chosen = {theirs for ours, theirs in names.items() if STANDARD.get(ours) != theirs}
    return not by_scope | chosen <= claims.keys()


def joined(claims: Mapping[str, Any], told: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Merge the claims of the ID token and of userinfo. An email address and its `email_verified` always come from the same source."""
    address, verified = names["email"], names["email_verified"]
    kept = {name: value for name, value in claims.items() if address not in told or name != verified}
    told = {name: value for name, value in told.items() if address in told or name != verified}
    return {**kept, **told}


def proved_at(auth_time: Any, begun: Begun, now: float) -> float | None:
    """When the user authenticated, by our clock, in seconds since 1970; None if the provider does not say.

    Raises UpstreamStale if that is older than `max_age` allows (OpenID Connect Core 1.0 section 3.1.3.7 number 13).
    """
    known = isinstance(auth_time, int | float) and not isinstance(auth_time, bool) and 0 <= auth_time < LATEST
    at = min(now, auth_time + LEEWAY_SECONDS) if known else None
    if begun.max_age is not None and (at is None or at < begun.at - begun.max_age):
        raise UpstreamStale("the provider did not authenticate the user again, or does not say when it did (auth_time)")
    return at

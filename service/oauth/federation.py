"""Signing in elsewhere: what passes between the pages and the client of the upstream provider, which is loaded only where there is one."""

from typing import Annotated, Any

from msgspec import Meta, Struct

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
    """Who the provider says it is (OpenID Connect Core 1.0 section 5.1), and since when (section 2, `auth_time`)."""

    sub: Annotated[str, Meta(min_length=1, max_length=255)]
    email: str | None = None
    email_verified: Any = False
    name: str | None = None
    given_name: str | None = None
    family_name: str | None = None
    auth_time: Any = None

    def __repr__(self) -> str:
        return "Identity(…)"


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

"""The upstream OpenID Provider: the scope of our requests to it, and the mapping of its claims to ours."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from msgspec import Struct, field

from service.values.profile import CLAIMS
from service.values.scopes import OPENID, is_scope

SCOPE = "openid profile email"
GROUPS = "groups"
NAMES = ("email", "email_verified", *CLAIMS)
STANDARD: Mapping[str, str] = {name: name for name in NAMES if name != GROUPS}
"""The meaning of groups differs between providers, so an operator must name the claim for them."""


class Upstream(Struct, frozen=True, kw_only=True):
    """The OpenID Provider through which a company's users sign in. Its claims also update their profiles.

    `claims` maps each of NAMES that is used to the provider's claim.
    """

    issuer: str
    client_id: str
    client_secret: str
    claims: Mapping[str, str] = field(default_factory=lambda: STANDARD)
    scope: str = SCOPE

    @property
    def host(self) -> str:
        """The host, by which users recognize the provider."""
        return urlsplit(self.issuer).netloc

    def __repr__(self) -> str:
        return f"Upstream(issuer={self.issuer!r})"


def mapped(text: str) -> tuple[Mapping[str, str], list[str]]:
    """Return the claims, and the faults of the setting. Each fault completes a sentence that begins with the setting's name."""
    given: dict[str, str] = {}
    faults: list[str] = []
    for word in text.split():
        ours, _, theirs = word.partition("=")
        if not ours or not theirs:
            faults.append(f"has {word}, which is not of the form groups=roles: a name, and the provider's claim for it")
        elif ours not in NAMES:
            faults.append(f"has {word}, but {ours} is none of {', '.join(NAMES)}")
        elif ours in given:
            faults.append(f"names two claims for {ours}; name one")
        given[ours] = theirs
    return {**STANDARD, **given}, faults


def scope_fault(text: str) -> str | None:
    words = text.split()
    if OPENID not in words:
        return "does not have openid, without which the provider does not identify the user"
    wrong = [word for word in words if not is_scope(word)]
    return f"has {wrong[0]}, which is not a scope (RFC 6749 section 3.3)" if wrong else None

"""What is asked of the upstream OpenID Provider, and which of its claims is taken for what."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from msgspec import Struct, field

from service.values.profile import CLAIMS
from service.values.scopes import OPENID, is_scope

SCOPE = "openid profile email"
GROUPS = "groups"
NAMES = ("email", "email_verified", *CLAIMS)
STANDARD: Mapping[str, str] = {name: name for name in NAMES if name != GROUPS}
"""What groups mean differs between providers, so an operator has to name the claim before anybody is in one."""


class Upstream(Struct, frozen=True, kw_only=True):
    """The OpenID Provider that people of a company may sign in through: its directory is the source of people, too.

    `claims` says for each of NAMES that is taken which of the provider's claims it is.
    """

    issuer: str
    client_id: str
    client_secret: str
    claims: Mapping[str, str] = field(default_factory=lambda: STANDARD)
    scope: str = SCOPE

    @property
    def host(self) -> str:
        """What people know it by."""
        return urlsplit(self.issuer).netloc

    def __repr__(self) -> str:
        return f"Upstream(issuer={self.issuer!r})"


def mapped(text: str) -> tuple[Mapping[str, str], list[str]]:
    """The claims, and what is wrong with the setting, as the ends of sentences that begin with its name."""
    given: dict[str, str] = {}
    faults: list[str] = []
    for word in text.split():
        ours, _, theirs = word.partition("=")
        if not ours or not theirs:
            faults.append(f"has {word}, which is not of the form groups=roles: a name, and the provider's claim for it")
        elif ours not in NAMES:
            faults.append(f"has {word}, but {ours} is none of {', '.join(NAMES)}")
        elif ours in given:
            faults.append(f"says twice which claim is {ours}; name one")
        given[ours] = theirs
    return {**STANDARD, **given}, faults


def scope_fault(text: str) -> str | None:
    words = text.split()
    if OPENID not in words:
        return "does not have openid, without which the provider tells nothing of the person"
    wrong = [word for word in words if not is_scope(word)]
    return f"has {wrong[0]}, which is not a scope (RFC 6749 section 3.3)" if wrong else None

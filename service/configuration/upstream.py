"""The upstream OpenID Provider: the scope of our requests to it, and the mapping of its claims and groups to ours."""

import re
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import unquote, urlsplit

from msgspec import Struct, field

from events.user import Role
from service.values.profile import CLAIMS, LONGEST_GROUP, fault_of
from service.values.roles import ROLES, role_named
from service.values.scopes import OPENID, is_scope
from service.values.text import NAME_MUST

SCOPE = "openid profile email"
GROUPS = "groups"
NAMES = ("email", "email_verified", *CLAIMS)
STANDARD: Mapping[str, str] = {name: name for name in NAMES if name != GROUPS}
"""The meaning of groups differs between providers, so an operator must name the claim for them."""

GROUP_MUST = f"must have 1 to {LONGEST_GROUP} characters, and {NAME_MUST}"


class Upstream(Struct, frozen=True, kw_only=True):
    """The OpenID Provider through which a company's users sign in. Its claims also update their profiles.

    `claims` maps each of NAMES that is used to the provider's claim, and `roles` maps the provider's groups to roles in the console.
    """

    issuer: str
    client_id: str
    client_secret: str
    claims: Mapping[str, str] = field(default_factory=lambda: STANDARD)
    scope: str = SCOPE
    roles: Mapping[str, Sequence[Role]] = field(default_factory=dict[str, Sequence[Role]])

    @property
    def host(self) -> str:
        """The host, by which users recognize the provider."""
        return urlsplit(self.issuer).netloc

    def with_roles(self, groups: Iterable[str]) -> list[str]:
        """Return those of the groups that bring a role."""
        return [group for group in groups if group in self.roles]

    @property
    def brought(self) -> frozenset[Role]:
        """The roles that any group brings."""
        return frozenset(role for roles in self.roles.values() for role in roles)

    def roles_of(self, groups: Iterable[str]) -> tuple[Role, ...]:
        brought = {role for group in self.with_roles(groups) for role in self.roles[group]}
        return tuple(role for role in ROLES if role in brought)

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


def roles_mapped(text: str) -> tuple[Mapping[str, Sequence[Role]], list[str]]:
    """Return the roles of each group, and the faults of the setting. In a group's name, space, = and % are written %20, %3D and %25."""
    given: dict[str, Sequence[Role]] = {}
    faults: list[str] = []
    for word in text.split():
        written, _, name = word.partition("=")
        group, role = unquote(written), role_named(name)
        if fault := _role_fault(written, name):
            faults.append(f"has {word}, {fault}")
        elif role in given.get(group, ()):
            faults.append(f"has {word} twice")
        elif role is not None:
            given[group] = (*given.get(group, ()), role)
    return given, faults


def _role_fault(written: str, name: str) -> str | None:
    if not written or not name:
        return "which is not of the form admins=operator: a group at the provider, and the role that it brings"
    if "=" in name:
        return "where = stands more than once; write %3D for one in a group's name"
    if role_named(name) is None:
        return f"but {name} is none of {', '.join(ROLES)}"
    if re.search("%(?![0-9A-Fa-f]{2})", written):
        return "where a % is not followed by two hexadecimal digits; write %25 for a % in a group's name"
    return "a group that no user can have: its name " + GROUP_MUST if fault_of(GROUPS, (unquote(written),)) else None


def scope_fault(text: str) -> str | None:
    words = text.split()
    if OPENID not in words:
        return "does not have openid, without which the provider does not identify the user"
    wrong = [word for word in words if not is_scope(word)]
    return f"has {wrong[0]}, which is not a scope (RFC 6749 section 3.3)" if wrong else None

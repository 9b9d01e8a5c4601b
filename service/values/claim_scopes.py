"""Which scope requests which claims about a user (OpenID Connect Core 1.0 sections 5.1 and 5.4)."""

from collections.abc import Iterable
from functools import lru_cache

from service.values.scopes import ADDRESS, EMAIL, GROUPS, PHONE, PROFILE

BY_SCOPE = {
    PROFILE: (
        "name",
        "given_name",
        "family_name",
        "middle_name",
        "nickname",
        "preferred_username",
        "profile",
        "picture",
        "website",
        "gender",
        "birthdate",
        "zoneinfo",
        "locale",
        "updated_at",
    ),
    EMAIL: ("email", "email_verified"),
    PHONE: ("phone_number", "phone_number_verified"),
    ADDRESS: ("address",),
    GROUPS: ("groups",),
}
"""The claims of each scope (section 5.4), and `groups` as other providers define it: the names of the user's groups."""

SUPPORTED = ("sub", *(name for names in BY_SCOPE.values() for name in names))


@lru_cache(maxsize=256)
def of_scopes(scopes: tuple[str, ...] | frozenset[str]) -> tuple[str, ...]:
    return tuple([name for scope in scopes if scope in BY_SCOPE for name in BY_SCOPE[scope]])


def scopes_of(claims: Iterable[str]) -> tuple[str, ...]:
    """The scopes that these claims belong to. A client that requests one claim alone needs the same consent as for its scope."""
    asked = set(claims)
    return () if not asked else tuple(scope for scope, names in BY_SCOPE.items() if asked & set(names))

"""Requests and responses of /api/v1/auth/users."""

import re
from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from events.user import Role
from service.endpoints.client_fields import Created
from service.people.passwords import LEAST, MOST, MOST_TYPED
from service.values.profile import ADDRESS_RULES, LONGEST_GROUP, MOST_GROUPS, RULES, Rule
from service.values.text import EMAIL, SOME_NAME


def _of(rule: Rule, description: str = "") -> Meta:
    """An empty text means no value, so it is always allowed."""
    pattern = rule.pattern if re.search(rule.pattern, "") else f"^$|{rule.pattern}"
    return Meta(max_length=rule.longest, description=description or None, extra_json_schema={"pattern": pattern})


Email = Annotated[
    str,
    Meta(
        max_length=254,
        description="The user signs in with it. Unique among all users, in upper or lower case.",
        extra_json_schema={"pattern": EMAIL},
    ),
]
PersonName = Annotated[str, _of(RULES["name"])]
Username = Annotated[
    str, _of(RULES["preferred_username"], "A name that the user prefers, such as `ada`. It is not used to sign in.")
]
Url = Annotated[str, _of(RULES["website"])]
Gender = Annotated[str, _of(RULES["gender"])]
Birthdate = Annotated[str, _of(RULES["birthdate"], "`1815-12-10`; `0000-12-10` without the year; or only the year.")]
Zoneinfo = Annotated[str, _of(RULES["zoneinfo"], "A name from the time zone database, such as `Europe/Berlin`.")]
Locale = Annotated[str, _of(RULES["locale"], "A language tag (BCP 47), such as `de-AT`.")]
PhoneNumber = Annotated[str, _of(RULES["phone_number"], "With the country code: `+1 604 555 1234;ext=5678`.")]
PhoneVerified = Annotated[
    bool, Meta(description="Whether the number is known to be the user's own. A change of the number resets this.")
]
Lines = Annotated[str, _of(ADDRESS_RULES["formatted"])]
Line = Annotated[str, _of(ADDRESS_RULES["country"])]
Groups = Annotated[
    list[Annotated[str, Meta(min_length=1, max_length=LONGEST_GROUP, extra_json_schema={"pattern": SOME_NAME})]],
    Meta(max_length=MOST_GROUPS, description="The names of all groups that the user is in."),
]
Password = Annotated[
    str,
    Meta(
        max_length=MOST_TYPED,
        description=f"{LEAST} to {MOST} characters. It must not be easy to guess, or equal to the e-mail address. "
        "Only its hash (argon2id) is kept, encrypted. Without a password, the user can sign in only through the upstream provider.",
        extra_json_schema={"minLength": LEAST, "maxLength": MOST, "format": "password", "writeOnly": True},
    ),
]
Verified = Annotated[bool, Meta(description="Whether the e-mail address is known to be the user's own.")]


class PostalAddress(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """OpenID Connect Core 1.0 section 5.1.1. It is set and changed as a whole."""

    formatted: Lines | None = None
    street_address: Lines | None = None
    locality: Line | None = None
    region: Line | None = None
    postal_code: Line | None = None
    country: Line | None = None

    def __repr__(self) -> str:
        return "PostalAddress(…)"


class CreateUserRequest(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Request to create a user who can sign in."""

    email: Email
    name: PersonName | None = None
    given_name: PersonName | None = None
    family_name: PersonName | None = None
    middle_name: PersonName | None = None
    nickname: PersonName | None = None
    preferred_username: Username | None = None
    profile: Url | None = None
    picture: Url | None = None
    website: Url | None = None
    gender: Gender | None = None
    birthdate: Birthdate | None = None
    zoneinfo: Zoneinfo | None = None
    locale: Locale | None = None
    phone_number: PhoneNumber | None = None
    phone_number_verified: PhoneVerified = False
    address: PostalAddress | None = None
    groups: Groups = []
    password: Password | None = None
    email_verified: Verified = False

    def __repr__(self) -> str:
        return "CreateUserRequest(…)"


class ChangeUserRequest(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """An omitted field stays as it is; null removes its value."""

    name: PersonName | UnsetType | None = UNSET
    given_name: PersonName | UnsetType | None = UNSET
    family_name: PersonName | UnsetType | None = UNSET
    middle_name: PersonName | UnsetType | None = UNSET
    nickname: PersonName | UnsetType | None = UNSET
    preferred_username: Username | UnsetType | None = UNSET
    profile: Url | UnsetType | None = UNSET
    picture: Url | UnsetType | None = UNSET
    website: Url | UnsetType | None = UNSET
    gender: Gender | UnsetType | None = UNSET
    birthdate: Birthdate | UnsetType | None = UNSET
    zoneinfo: Zoneinfo | UnsetType | None = UNSET
    locale: Locale | UnsetType | None = UNSET
    phone_number: PhoneNumber | UnsetType | None = UNSET
    phone_number_verified: PhoneVerified | UnsetType = UNSET
    address: PostalAddress | UnsetType | None = UNSET
    groups: Groups | UnsetType = UNSET

    def __repr__(self) -> str:
        return "ChangeUserRequest(…)"


class GroupRole(Struct, frozen=True, kw_only=True, rename="camel"):
    """A role that a user has through a group."""

    role: Role
    also_given: Annotated[
        bool, Meta(description="Whether a person gave the role, too: then it stays when the user leaves the group.")
    ]


class User(Struct, frozen=True, kw_only=True, rename="camel"):
    """A user who can sign in."""

    id: Annotated[UUID, Meta(description="The `sub` of the user's tokens. It never changes.")]
    email: Annotated[
        str | None,
        Meta(description="Null if the upstream provider confirmed no address: the user signs in only there."),
    ]
    email_verified: Verified
    name: str | None
    given_name: str | None
    family_name: str | None
    middle_name: str | None
    nickname: str | None
    preferred_username: str | None
    profile: str | None
    picture: str | None
    website: str | None
    gender: str | None
    birthdate: str | None
    zoneinfo: str | None
    locale: str | None
    phone_number: str | None
    phone_number_verified: PhoneVerified
    address: PostalAddress | None
    groups: list[str]
    roles: Annotated[list[Role], Meta(description="What the user may do in the console.")]
    group_roles: Annotated[
        list[GroupRole],
        Meta(
            description="Those of the `roles` that come through groups of the upstream provider (`MUNIMENT_UPSTREAM_ROLES`), as of the "
            "user's last sign-in there. They count only in sessions from there."
        ),
    ]
    state: Annotated[str, Meta(extra_json_schema={"enum": ["active", "disabled"]})]
    created_utc: Created
    updated_utc: Annotated[datetime, Meta(tz=True, description="When the user's data last changed.")]

    def __repr__(self) -> str:
        return f"User(id={self.id})"

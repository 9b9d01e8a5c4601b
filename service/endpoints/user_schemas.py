"""What goes over the wire of /api/v1/auth/users."""

import re
from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from service.endpoints.client_fields import Created
from service.people.passwords import LEAST, MOST, MOST_TYPED
from service.values.profile import ADDRESS_RULES, LONGEST_GROUP, MOST_GROUPS, RULES, Rule
from service.values.text import EMAIL, SOME_NAME


def _of(rule: Rule, description: str = "") -> Meta:
    """An empty text is none, and so is always allowed."""
    pattern = rule.pattern if re.search(rule.pattern, "") else f"^$|{rule.pattern}"
    return Meta(max_length=rule.longest, description=description or None, extra_json_schema={"pattern": pattern})


Email = Annotated[
    str,
    Meta(
        max_length=254,
        description="What the person signs in with. Unique among all users, in upper or lower case.",
        extra_json_schema={"pattern": EMAIL},
    ),
]
PersonName = Annotated[str, _of(RULES["name"])]
Username = Annotated[
    str, _of(RULES["preferred_username"], "What they like to be called by, such as `ada`. They do not sign in with it.")
]
Url = Annotated[str, _of(RULES["website"])]
Gender = Annotated[str, _of(RULES["gender"])]
Birthdate = Annotated[
    str, _of(RULES["birthdate"], "`1815-12-10`; `0000-12-10` where the year is not told; or the year.")
]
Zoneinfo = Annotated[str, _of(RULES["zoneinfo"], "A name of the time zone database, such as `Europe/Berlin`.")]
Locale = Annotated[str, _of(RULES["locale"], "A language tag (BCP 47), such as `de-AT`.")]
PhoneNumber = Annotated[str, _of(RULES["phone_number"], "With its country: `+1 604 555 1234;ext=5678`.")]
PhoneVerified = Annotated[
    bool, Meta(description="Whether the number is known to be the person's own. It is not, once the number changes.")
]
Lines = Annotated[str, _of(ADDRESS_RULES["formatted"])]
Line = Annotated[str, _of(ADDRESS_RULES["country"])]
Groups = Annotated[
    list[Annotated[str, Meta(min_length=1, max_length=LONGEST_GROUP, extra_json_schema={"pattern": SOME_NAME})]],
    Meta(max_length=MOST_GROUPS, description="The names of the groups that they are in: all of them."),
]
Password = Annotated[
    str,
    Meta(
        max_length=MOST_TYPED,
        description=f"{LEAST} to {MOST} characters, none of the passwords that are too easy to guess, and not the e-mail address. "
        "Only its hash (argon2id) is kept, encrypted. Without a password somebody signs in by the upstream provider alone.",
        extra_json_schema={"minLength": LEAST, "maxLength": MOST, "format": "password", "writeOnly": True},
    ),
]
Verified = Annotated[bool, Meta(description="Whether the e-mail address is known to be the person's own.")]


class PostalAddress(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """OpenID Connect Core 1.0 section 5.1.1. It is given and changed as a whole."""

    formatted: Lines | None = None
    street_address: Lines | None = None
    locality: Line | None = None
    region: Line | None = None
    postal_code: Line | None = None
    country: Line | None = None

    def __repr__(self) -> str:
        return "PostalAddress(…)"


class CreateUserRequest(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Request to create a user: a person who can sign in."""

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
    """What is left out stays as it is; null removes it."""

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


class User(Struct, frozen=True, kw_only=True, rename="camel"):
    """A person who can sign in."""

    id: Annotated[UUID, Meta(description="The `sub` of the person's tokens, for ever.")]
    email: Annotated[
        str | None, Meta(description="Null where the upstream provider vouched for none: they sign in there alone.")
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
    state: Annotated[str, Meta(extra_json_schema={"enum": ["active", "disabled"]})]
    created_utc: Created
    updated_utc: Annotated[datetime, Meta(tz=True, description="When what is known of the person changed last.")]

    def __repr__(self) -> str:
        return f"User(id={self.id})"

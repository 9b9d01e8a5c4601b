"""What goes over the wire of /api/v1/auth/users."""

from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from service.endpoints.wire import EMAIL, TEXT, Created
from service.people.accounts import LONGEST_NAME
from service.people.passwords import LEAST, MOST, MOST_TYPED

Email = Annotated[
    str,
    Meta(
        max_length=254,
        description="What the person signs in with. Unique among all users, in upper or lower case.",
        extra_json_schema={"pattern": EMAIL},
    ),
]
PersonName = Annotated[str, Meta(max_length=LONGEST_NAME, extra_json_schema={"pattern": TEXT})]
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


class CreateUserRequest(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Request to create a user: a person who can sign in."""

    email: Email
    name: PersonName | None = None
    given_name: PersonName | None = None
    family_name: PersonName | None = None
    password: Password | None = None
    email_verified: Verified = False

    def __repr__(self) -> str:
        return "CreateUserRequest(…)"


class User(Struct, frozen=True, kw_only=True, rename="camel"):
    """A person who can sign in."""

    id: Annotated[UUID, Meta(description="The `sub` of the person's tokens, for ever.")]
    email: str
    email_verified: Verified
    name: str | None
    given_name: str | None
    family_name: str | None
    state: Annotated[str, Meta(extra_json_schema={"enum": ["active", "disabled"]})]
    created_utc: Created

    def __repr__(self) -> str:
        return f"User(id={self.id})"

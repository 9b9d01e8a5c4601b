"""The events of a user, and the states that they lead to. Personal data in them is sealed."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct

from events.sealed import Sealed

Role = Literal["operator", "auditor", "owner"]
"""What a user may do in the console: everything; read everything; or manage the user's own clients and bots."""

RoleSource = Literal["person", "group"]
"""Why a user has a role: a person gave it, or a group at the upstream OpenID Provider brings it. Both may hold for one role."""


class Factor(Struct, frozen=True, kw_only=True, gc=False):
    """A second factor of a user. `kind` is `totp` (RFC 6238) or `passkey` (WebAuthn)."""

    factor_id: UUID
    kind: str
    kept: Sealed
    created_at: datetime


class UserRegistered(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True, tag="user.registered"):
    """A user without a password comes from the upstream OpenID Provider.

    `names` are the names by which the vault finds the user, each as an HMAC under the user's data key: without that key, or after it
    is destroyed, they identify no user. None: the event is older than this field.
    """

    profile: Sealed
    password: Sealed | None
    email_verified: bool
    at: datetime
    names: tuple[str, ...] | None = None


class UserVerified(Struct, frozen=True, kw_only=True, gc=False, tag="user.verified"):
    """The e-mail address is verified."""

    at: datetime


class UserPasswordChanged(Struct, frozen=True, kw_only=True, gc=False, tag="user.password_changed"):
    password: Sealed
    at: datetime


class UserProfileChanged(Struct, frozen=True, kw_only=True, gc=False, tag="user.profile_changed"):
    """`profile` is the whole new profile."""

    profile: Sealed
    at: datetime


class UserFactorAdded(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True, tag="user.factor_added"):
    """`name` is the passkey's, an HMAC like the user's `names`. None: no passkey, or the event is older than this field."""

    factor: Factor
    name: str | None = None


class UserFactorRemoved(Struct, frozen=True, kw_only=True, gc=False, tag="user.factor_removed"):
    factor_id: UUID


class UserRoleGiven(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True, tag="user.role_given"):
    """The user has the role for this reason, whether or not they have it for the other one, too."""

    role: Role
    at: datetime
    source: RoleSource = "person"


class UserRoleTaken(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True, tag="user.role_taken"):
    """The user no longer has the role for this reason. They keep it if they have it for the other one."""

    role: Role
    at: datetime
    source: RoleSource = "person"


class UserDisabled(Struct, frozen=True, kw_only=True, gc=False, tag="user.disabled"):
    pass


class UserEnabled(Struct, frozen=True, kw_only=True, gc=False, tag="user.enabled"):
    pass


class UserErased(Struct, frozen=True, kw_only=True, gc=False, tag="user.erased"):
    """The user's data key is destroyed, so the user's data in the log can no longer be decrypted."""

    at: datetime


UserChange = (
    UserVerified
    | UserPasswordChanged
    | UserProfileChanged
    | UserFactorAdded
    | UserFactorRemoved
    | UserRoleGiven
    | UserRoleTaken
)
"""The events that do not change whether a user is active or disabled."""

UserEvent = UserRegistered | UserChange | UserDisabled | UserEnabled | UserErased


class UnregisteredUser(Struct, frozen=True):
    pass


class ActiveUser(Struct, frozen=True, kw_only=True, gc=False):
    """`roles` are those that a person gave, and `group_roles` those through groups. A role may be in both."""

    verified: bool
    has_password: bool
    factors: tuple[Factor, ...] = ()
    roles: tuple[Role, ...] = ()
    group_roles: tuple[Role, ...] = ()


class DisabledUser(Struct, frozen=True, kw_only=True, gc=False):
    """`was` is the state to which the user returns when enabled."""

    was: ActiveUser


class ErasedUser(Struct, frozen=True):
    pass


User = UnregisteredUser | ActiveUser | DisabledUser | ErasedUser


def all_roles(roles: tuple[Role, ...], group_roles: tuple[Role, ...]) -> tuple[Role, ...]:
    """Returns the roles that a person gave and those through groups, each once."""
    return (*roles, *(role for role in group_roles if role not in roles))


def evolve(user: User, event: UserEvent) -> User:
    """Returns the user after the event. It never refuses."""
    match event:
        case UserRegistered():
            return ActiveUser(verified=event.email_verified, has_password=event.password is not None)
        case UserDisabled():
            return DisabledUser(was=user) if isinstance(user, ActiveUser) else user
        case UserEnabled():
            return user.was if isinstance(user, DisabledUser) else user
        case UserErased():
            return ErasedUser()
        case _:
            return _changed(user, event)


def _changed(user: User, event: UserChange) -> User:
    match user:
        case ActiveUser():
            return _with(user, event)
        case DisabledUser():
            return DisabledUser(was=_with(user.was, event))
        case UnregisteredUser() | ErasedUser():
            return user


def _with(user: ActiveUser, event: UserChange) -> ActiveUser:
    match event:
        case UserVerified():
            return user.__replace__(verified=True)
        case UserPasswordChanged():
            return user.__replace__(has_password=True)
        case UserProfileChanged():
            return user
        case UserFactorAdded():
            return user.__replace__(factors=(*user.factors, event.factor))
        case UserFactorRemoved():
            return user.__replace__(factors=tuple(f for f in user.factors if f.factor_id != event.factor_id))
        case UserRoleGiven() if event.source == "group":
            return user.__replace__(group_roles=(*user.group_roles, event.role))
        case UserRoleGiven():
            return user.__replace__(roles=(*user.roles, event.role))
        case UserRoleTaken() if event.source == "group":
            return user.__replace__(group_roles=tuple(role for role in user.group_roles if role != event.role))
        case UserRoleTaken():
            return user.__replace__(roles=tuple(role for role in user.roles if role != event.role))

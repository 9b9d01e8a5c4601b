"""What can have happened to a user, and what a user then is. What tells who the person is, is sealed."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from events.sealed import Sealed


class Factor(Struct, frozen=True, kw_only=True, gc=False):
    """Something that a person proves themselves with beside the password. `kind` is `totp` (RFC 6238) or `passkey` (WebAuthn)."""

    factor_id: UUID
    kind: str
    kept: Sealed
    created_at: datetime


class UserRegistered(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True, tag="user.registered"):
    """Without a password the person comes from the upstream OpenID Provider.

    `names` are those that the vault finds the person by, each keyed with the person's data key: who has no such key, or whose key
    is destroyed, cannot tell whose they are. None: the event was stored before they were kept.
    """

    profile: Sealed
    password: Sealed | None
    email_verified: bool
    at: datetime
    names: tuple[str, ...] | None = None


class UserVerified(Struct, frozen=True, kw_only=True, gc=False, tag="user.verified"):
    """The e-mail address is known to be the person's own."""

    at: datetime


class UserPasswordChanged(Struct, frozen=True, kw_only=True, gc=False, tag="user.password_changed"):
    password: Sealed
    at: datetime


class UserProfileChanged(Struct, frozen=True, kw_only=True, gc=False, tag="user.profile_changed"):
    """The whole profile, as it is from now on."""

    profile: Sealed
    at: datetime


class UserFactorAdded(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True, tag="user.factor_added"):
    """`name` is the passkey's, keyed as the person's own `names` are. None: it is no passkey, or was stored before names were kept."""

    factor: Factor
    name: str | None = None


class UserFactorRemoved(Struct, frozen=True, kw_only=True, gc=False, tag="user.factor_removed"):
    factor_id: UUID


class UserDisabled(Struct, frozen=True, kw_only=True, gc=False, tag="user.disabled"):
    pass


class UserEnabled(Struct, frozen=True, kw_only=True, gc=False, tag="user.enabled"):
    pass


class UserErased(Struct, frozen=True, kw_only=True, gc=False, tag="user.erased"):
    """The data key of the person is destroyed: what the log has of them can be read by nobody any more."""

    at: datetime


UserChange = UserVerified | UserPasswordChanged | UserProfileChanged | UserFactorAdded | UserFactorRemoved
"""What changes a user who stays as active or disabled as they were."""

UserEvent = UserRegistered | UserChange | UserDisabled | UserEnabled | UserErased


class UnregisteredUser(Struct, frozen=True):
    pass


class ActiveUser(Struct, frozen=True, kw_only=True, gc=False):
    verified: bool
    has_password: bool
    factors: tuple[Factor, ...] = ()


class DisabledUser(Struct, frozen=True, kw_only=True, gc=False):
    """A disabled user keeps what they were, for the day they are enabled."""

    was: ActiveUser


class ErasedUser(Struct, frozen=True):
    pass


User = UnregisteredUser | ActiveUser | DisabledUser | ErasedUser


def evolve(user: User, event: UserEvent) -> User:
    """What the user is after the event. Total: it never refuses."""
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

"""What may be asked of a user, and what comes of asking."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from events.sealed import Sealed
from events.user import (
    ActiveUser,
    DisabledUser,
    ErasedUser,
    Factor,
    UnregisteredUser,
    User,
    UserDisabled,
    UserEnabled,
    UserErased,
    UserEvent,
    UserFactorAdded,
    UserFactorRemoved,
    UserPasswordChanged,
    UserProfileChanged,
    UserRegistered,
    UserVerified,
)
from service.problems import Clash, NotFound

MOST_FACTORS = 10


class RegisterUser(Struct, frozen=True, kw_only=True):
    profile: Sealed
    password: Sealed | None
    email_verified: bool
    at: datetime
    names: tuple[str, ...] | None = None


class VerifyUser(Struct, frozen=True, kw_only=True):
    at: datetime


class ChangePassword(Struct, frozen=True, kw_only=True):
    password: Sealed
    at: datetime


class ChangeProfile(Struct, frozen=True, kw_only=True):
    profile: Sealed
    at: datetime


class AddFactor(Struct, frozen=True, kw_only=True):
    factor: Factor
    name: str | None = None


class RemoveFactor(Struct, frozen=True, kw_only=True):
    factor_id: UUID


class DisableUser(Struct, frozen=True, kw_only=True):
    pass


class EnableUser(Struct, frozen=True, kw_only=True):
    pass


class EraseUser(Struct, frozen=True, kw_only=True):
    at: datetime


UserCommand = (
    RegisterUser
    | VerifyUser
    | ChangePassword
    | ChangeProfile
    | AddFactor
    | RemoveFactor
    | DisableUser
    | EnableUser
    | EraseUser
)


def decide(command: UserCommand, user: User) -> list[UserEvent]:
    """What happens. Asking for what already is gives []. Raises NotFound or Clash."""
    match command:
        case RegisterUser():
            return _register(command, user)
        case EraseUser():
            return [] if isinstance(user, ErasedUser) else _erase(command, _existing(user))
        case DisableUser():
            return [] if isinstance(_existing(user), DisabledUser) else [UserDisabled()]
        case EnableUser():
            return [] if isinstance(_existing(user), ActiveUser) else [UserEnabled()]
        case VerifyUser():
            return [] if _facts(user).verified else [UserVerified(at=command.at)]
        case ChangePassword():
            _facts(user)
            return [UserPasswordChanged(password=command.password, at=command.at)]
        case ChangeProfile():
            _facts(user)
            return [UserProfileChanged(profile=command.profile, at=command.at)]
        case AddFactor():
            return _add_factor(command, _facts(user))
        case RemoveFactor():
            return _remove_factor(command, _facts(user))


def _register(command: RegisterUser, user: User) -> list[UserEvent]:
    if not isinstance(user, UnregisteredUser):
        raise Clash("A user of this id was registered before, and an id is never used again.")
    return [
        UserRegistered(
            profile=command.profile,
            password=command.password,
            email_verified=command.email_verified,
            at=command.at,
            names=command.names,
        )
    ]


def _erase(command: EraseUser, _user: ActiveUser | DisabledUser) -> list[UserEvent]:
    return [UserErased(at=command.at)]


def _add_factor(command: AddFactor, user: ActiveUser) -> list[UserEvent]:
    if any(factor.factor_id == command.factor.factor_id for factor in user.factors):
        return []
    if len(user.factors) >= MOST_FACTORS:
        raise Clash(f"There are {MOST_FACTORS} second factors already; remove one first.")
    return [UserFactorAdded(factor=command.factor, name=command.name)]


def _remove_factor(command: RemoveFactor, user: ActiveUser) -> list[UserEvent]:
    if all(factor.factor_id != command.factor_id for factor in user.factors):
        raise NotFound("There is no second factor of that id.")
    return [UserFactorRemoved(factor_id=command.factor_id)]


def _existing(user: User) -> ActiveUser | DisabledUser:
    if isinstance(user, UnregisteredUser | ErasedUser):
        raise NotFound("There is no user of that id.")
    return user


def _facts(user: User) -> ActiveUser:
    existing = _existing(user)
    return existing if isinstance(existing, ActiveUser) else existing.was

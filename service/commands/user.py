"""Commands on a user, and `decide`."""

from datetime import datetime
from uuid import UUID

from events.sealed import Sealed
from events.user import (
    ActiveUser,
    DisabledUser,
    ErasedUser,
    Factor,
    Role,
    RoleSource,
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
    UserRoleGiven,
    UserRoleTaken,
    UserVerified,
    all_roles,
)
from service.commands.authority import Holder, may_change_user, may_give_role
from service.commands.command import OrdinaryCommand, StoppingCommand
from service.refusals import Contradiction, DoesNotExist

MOST_FACTORS = 10


class RegisterUser(OrdinaryCommand, frozen=True, kw_only=True):
    profile: Sealed
    password: Sealed | None
    email_verified: bool
    at: datetime
    names: tuple[str, ...] | None = None


class VerifyUser(OrdinaryCommand, frozen=True, kw_only=True):
    at: datetime


class ChangePassword(OrdinaryCommand, frozen=True, kw_only=True):
    password: Sealed
    at: datetime


class ChangeProfile(OrdinaryCommand, frozen=True, kw_only=True):
    """Without `by`, the command line or a sign-in changes the user, and may change every user."""

    profile: Sealed
    at: datetime
    by: Holder | None = None


class AddFactor(OrdinaryCommand, frozen=True, kw_only=True):
    factor: Factor
    name: str | None = None


class RemoveFactor(OrdinaryCommand, frozen=True, kw_only=True):
    factor_id: UUID


class GiveRole(OrdinaryCommand, frozen=True, kw_only=True):
    """Without `by`, the command line gives the role: it may give every role."""

    role: Role
    at: datetime
    by: Holder | None = None


class TakeRole(StoppingCommand, frozen=True, kw_only=True):
    """The user loses the role, wherever it came from."""

    role: Role
    at: datetime


class SetGroupRoles(OrdinaryCommand, frozen=True, kw_only=True):
    """The user has these roles through groups, and no others. What a person gave stays."""

    roles: tuple[Role, ...]
    at: datetime


class DisableUser(StoppingCommand, frozen=True, kw_only=True):
    by: Holder | None = None


class EnableUser(OrdinaryCommand, frozen=True, kw_only=True):
    by: Holder | None = None


class EraseUser(StoppingCommand, frozen=True, kw_only=True):
    at: datetime
    by: Holder | None = None


ChangeUser = (
    VerifyUser | ChangePassword | ChangeProfile | AddFactor | RemoveFactor | GiveRole | TakeRole | SetGroupRoles
)
"""The commands that leave a user active or disabled, as before."""

UserCommand = RegisterUser | ChangeUser | DisableUser | EnableUser | EraseUser


def decide(command: UserCommand, user: User) -> list[UserEvent]:
    """Returns the events of the command; [] if it changes nothing. Raises DoesNotExist, Contradiction or NotPermitted."""
    if isinstance(command, ChangeProfile | DisableUser | EnableUser | EraseUser) and command.by is not None:
        may_change_user(command.by, _roles(user))
    match command, user:
        case RegisterUser(), UnregisteredUser():
            return _register(command)
        case RegisterUser(), ActiveUser() | DisabledUser() | ErasedUser():
            raise Contradiction("A user of this id was registered before, and an id is never used again.")
        case EraseUser(), ActiveUser() | DisabledUser():
            return [UserErased(at=command.at)]
        case EraseUser(), ErasedUser():
            return []
        case DisableUser(), ActiveUser():
            return [UserDisabled()]
        case EnableUser(), DisabledUser():
            return [UserEnabled()]
        case (DisableUser(), DisabledUser()) | (EnableUser(), ActiveUser()):
            return []
        case _, UnregisteredUser() | ErasedUser():
            raise DoesNotExist("There is no user with this id.")
        case _, ActiveUser():
            return _change(command, user)
        case _, DisabledUser():
            return _change(command, user.was)


def _roles(user: User) -> tuple[Role, ...]:
    match user:
        case ActiveUser():
            return all_roles(user.roles, user.group_roles)
        case DisabledUser():
            return all_roles(user.was.roles, user.was.group_roles)
        case UnregisteredUser() | ErasedUser():
            return ()


def _register(command: RegisterUser) -> list[UserEvent]:
    return [
        UserRegistered(
            profile=command.profile,
            password=command.password,
            email_verified=command.email_verified,
            at=command.at,
            names=command.names,
        )
    ]


def _change(command: ChangeUser, user: ActiveUser) -> list[UserEvent]:
    match command:
        case VerifyUser():
            return [] if user.verified else [UserVerified(at=command.at)]
        case ChangePassword():
            return [UserPasswordChanged(password=command.password, at=command.at)]
        case ChangeProfile():
            return [UserProfileChanged(profile=command.profile, at=command.at)]
        case AddFactor():
            return _add_factor(command, user)
        case RemoveFactor():
            return _remove_factor(command, user)
        case GiveRole():
            return _give_role(command, user)
        case TakeRole():
            return _take_role(command, user)
        case SetGroupRoles():
            return _set_group_roles(command, user)


def _add_factor(command: AddFactor, user: ActiveUser) -> list[UserEvent]:
    if any(factor.factor_id == command.factor.factor_id for factor in user.factors):
        return []
    if len(user.factors) >= MOST_FACTORS:
        raise Contradiction(f"There are {MOST_FACTORS} second factors already; remove one first.")
    return [UserFactorAdded(factor=command.factor, name=command.name)]


def _remove_factor(command: RemoveFactor, user: ActiveUser) -> list[UserEvent]:
    if all(factor.factor_id != command.factor_id for factor in user.factors):
        raise DoesNotExist("There is no second factor with this id.")
    return [UserFactorRemoved(factor_id=command.factor_id)]


def _give_role(command: GiveRole, user: ActiveUser) -> list[UserEvent]:
    """Raises NotPermitted if the role has more power than the caller, even if the user has the role already."""
    if command.by is not None:
        may_give_role(command.by, command.role)
    return [] if command.role in user.roles else [UserRoleGiven(role=command.role, at=command.at)]


def _take_role(command: TakeRole, user: ActiveUser) -> list[UserEvent]:
    held: dict[RoleSource, tuple[Role, ...]] = {"person": user.roles, "group": user.group_roles}
    return [
        UserRoleTaken(role=command.role, at=command.at, source=source)
        for source, roles in held.items()
        if command.role in roles
    ]


def _set_group_roles(command: SetGroupRoles, user: ActiveUser) -> list[UserEvent]:
    wanted = tuple(dict.fromkeys(command.roles))
    return [
        *(UserRoleTaken(role=r, at=command.at, source="group") for r in user.group_roles if r not in wanted),
        *(UserRoleGiven(role=r, at=command.at, source="group") for r in wanted if r not in user.group_roles),
    ]

"""/api/v1/auth/users: the users who can sign in."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from msgspec import UNSET, structs
from starlette.responses import Response

from events.database import AnyConnection, read
from events.log import Receipt
from events.receipts import find_command
from events.user import Role, all_roles
from projections import user_history, users
from service.commands.handle import CarriedOutBefore, Handled
from service.crypto.credentials import new_id
from service.endpoints import as_of, if_match, paging, several
from service.endpoints.call import Call
from service.endpoints.clients import position
from service.endpoints.fields import Fields
from service.endpoints.idempotent_create import create
from service.endpoints.last_operator import refuse_to_leave_none
from service.endpoints.paging import PageRequest
from service.endpoints.responses import answered
from service.endpoints.user_schemas import ChangeUserRequest, CreateUserRequest, GroupRole, PostalAddress, User
from service.people.accounts import NameTaken
from service.people.passwords import fault_of
from service.people.registration import Registration
from service.problems import NotFound
from service.values import profile as profiles
from service.values.email_address import is_email
from service.values.profile import Profile
from service.values.uuids import is_uuid

PATH = "/api/v1/auth/users"
STATES = ("active", "disabled")
FILTERS = ("state", "email", several.IDS)
NO_HEADERS: Mapping[str, str] = {}
WIRE_NAMES = {field.name: field.encode_name for field in structs.fields(ChangeUserRequest)}
LOOKS, PAUSE_SECONDS = 40, 0.05
"""How long a registration waits for the outcome of an earlier one with the same address."""


async def register(call: Call) -> Response:
    asked, user = _asked(call), new_id()
    profile = profiles.changed(Profile(email=asked.email), _changes(asked))
    wanted = Registration(profile=profile, password=asked.password, verified=asked.email_verified)
    answer = shown_user(user, profile, verified=asked.email_verified, state="active", created_at=wanted.at)

    async def carry_out(receipt: Receipt | None) -> Handled:
        try:
            return await call.resources.people.register_as(user, wanted, call.meta, receipt=receipt)
        except NameTaken:
            if receipt is not None:
                await _same_command(call, receipt, asked.email)
            raise

    async def is_there(made: str) -> bool:
        row = await call.resources.people.row(UUID(made))
        return row is not None and row.state != "erased"

    return await create(call, answer, f"{PATH}/{user}", carry_out, is_there)


async def list_users(call: Call) -> Response:
    checks = {"state": paging.one_of(STATES), "email": _email_fault, several.IDS: several.check}
    page = await as_of.page_asked(call, FILTERS, checks)
    state, email, ids = page.filters.get("state"), page.filters.get("email"), several.ids(page)
    if email is not None:
        return await _of_email(call, page, email, ids)

    async def now(connection: AnyConnection, most: int) -> list[users.Row]:
        if ids is None:
            return await users.listed(connection, after=page.after, state=state, limit=most)
        return await users.of_ids(connection, several.uuids(ids), after=page.after, state=state, limit=most)

    found = await as_of.page_of(
        call,
        PATH,
        page,
        now,
        history=user_history.HISTORY,
        filters=user_history.filters(state),
    )
    profiles = await call.resources.people.profiles(found.rows)
    shown = [shown_row(row, profiles[row.stream_id]) for row in found.rows if row.stream_id in profiles]
    return answered(shown, headers=found.headers)


async def _of_email(call: Call, page: PageRequest, email: str, ids: list[str] | None) -> Response:
    """A read of the past is recorded with its parameters, and the log must not have an address in clear. Raises Invalid."""
    if page.position is not None:
        raise paging.invalid({"email": [paging.NOT_OF_THE_PAST]})
    row = await call.resources.people.find(email)
    if row is None or page.filters.get("state", row.state) != row.state:
        return answered([])
    if ids is not None and row.stream_id not in several.uuids(ids):
        return answered([])
    profile = await call.resources.people.profile(row)
    return answered([] if profile is None or row.state == "erased" else [shown_row(row, profile)])


async def read_user(call: Call) -> Response:
    position, user = await as_of.asked(call), user_asked(call)
    return await _read(call, user) if position is None else await _read_then(call, user, position)


async def change_user(call: Call) -> Response:
    only_at = if_match.versions(call, required=True)
    fields = Fields(ChangeUserRequest, call.content_type, call.body)
    _check_profile(fields)
    changes, user, people = _changes(fields.done()), user_asked(call), call.resources.people
    handled = await people.change_profile(user, changes, call.meta, by=call.caller.holder, only_at=only_at)
    return await _read(call, user, position(handled))


async def disable_user(call: Call) -> Response:
    only_at, user = if_match.versions(call), user_asked(call)
    await refuse_to_leave_none(call, user)
    return done(await call.resources.people.disable(user, call.meta, by=call.caller.holder, only_at=only_at))


async def enable_user(call: Call) -> Response:
    only_at = if_match.versions(call)
    return done(await call.resources.people.enable(user_asked(call), call.meta, by=call.caller.holder, only_at=only_at))


async def erase_user(call: Call) -> Response:
    only_at, user = if_match.versions(call), user_asked(call)
    await refuse_to_leave_none(call, user)
    return done(await call.resources.people.erase(user, call.meta, by=call.caller.holder, only_at=only_at))


def _email_fault(text: str) -> str | None:
    return None if is_email(text) else "must be an e-mail address, such as ada@example.com"


def _asked(call: Call) -> CreateUserRequest:
    fields = Fields(CreateUserRequest, call.content_type, call.body)
    email, password = fields.good("email"), fields.good("password")
    if email is not None and not is_email(email):
        fields.fault("email", "must be an e-mail address, such as ada@example.com")
    fault = None if password is None else fault_of(password, email)
    if fault is not None:
        fields.fault("password", fault)
    _check_profile(fields)
    return fields.done()


def _check_profile(fields: Fields[Any]) -> None:
    for claim, name in WIRE_NAMES.items():
        fault = profiles.fault_of(claim, fields.good(name))
        if fault is not None:
            fields.fault(name, fault)


def _changes(asked: CreateUserRequest | ChangeUserRequest) -> dict[str, Any]:
    given = {name: value for name in profiles.CLAIMS if (value := getattr(asked, name)) is not UNSET}
    if isinstance(given.get("address"), PostalAddress):
        given["address"] = profiles.Address(**structs.asdict(given["address"]))
    return given


async def _read(call: Call, user: UUID, headers: Mapping[str, str] = NO_HEADERS) -> Response:
    row = await call.resources.people.row(user)
    profile = None if row is None else await call.resources.people.profile(row)
    if row is None or profile is None:
        raise _unknown()
    return answered(shown_row(row, profile), headers={"ETag": f'"{row.version}"', **headers})


async def _read_then(call: Call, user: UUID, position: int) -> Response:
    """An erased user is shown as of no moment: the row of today says so before the data key is destroyed everywhere."""
    row = await as_of.find(call, user_history.HISTORY, user, position)
    today = await call.resources.people.row(user)
    profile = None if row is None else await call.resources.people.profile(row)
    if row is None or profile is None or today is None or today.state == "erased":
        raise NotFound(f"There was no user with this id at position {position} of the log, or the user is erased.")
    return answered(shown_row(row, profile), headers=as_of.headers(position))


async def _same_command(call: Call, receipt: Receipt, email: str) -> None:
    """Raises CarriedOutBefore if the name was taken by this same command, sent twice at once."""
    for _ in range(LOOKS):
        registered = await call.resources.people.find(email)
        if await read(call.resources.ledger.pool, lambda connection: find_command(connection, receipt.command_id)):
            raise CarriedOutBefore
        if registered is not None:
            return
        await asyncio.sleep(PAUSE_SECONDS)


def user_asked(call: Call) -> UUID:
    text = call.request.path_params["user_id"]
    if not is_uuid(text):
        raise _unknown()
    return UUID(text)


async def known_user(call: Call) -> UUID:
    """Return the user whom the path names. Raises NotFound if there is none, or if they are erased."""
    user = user_asked(call)
    row = await call.resources.people.row(user)
    if row is None or row.state == "erased":
        raise _unknown()
    return user


def _unknown() -> NotFound:
    return NotFound("There is no user with this id.")


def done(handled: Handled) -> Response:
    return Response(status_code=204, headers=position(handled))


def shown_row(row: users.Row, profile: Profile) -> User:
    return shown_user(
        row.stream_id,
        profile,
        verified=row.verified,
        state=row.state,
        created_at=row.created_at,
        roles=row.roles,
        group_roles=row.group_roles,
    )


def shown_group_roles(roles: tuple[Role, ...], group_roles: tuple[Role, ...]) -> list[GroupRole]:
    return [GroupRole(role=role, also_given=role in roles) for role in group_roles]


def shown_user(
    user: UUID,
    profile: Profile,
    *,
    verified: bool,
    state: str,
    created_at: datetime,
    roles: tuple[Role, ...] = (),
    group_roles: tuple[Role, ...] = (),
) -> User:
    """`roles` are those that a person gave."""
    said = {name: getattr(profile, name) for name in profiles.CLAIMS}
    address, groups = said.pop("address"), said.pop("groups")
    updated = int(created_at.timestamp()) if profile.updated_at is None else profile.updated_at
    return User(
        id=user,
        email=profile.email,
        email_verified=verified,
        address=address and PostalAddress(**structs.asdict(address)),
        groups=list(groups),
        roles=list(all_roles(roles, group_roles)),
        group_roles=shown_group_roles(roles, group_roles),
        state=state,
        created_utc=created_at,
        updated_utc=datetime.fromtimestamp(updated, UTC),
        **said,
    )

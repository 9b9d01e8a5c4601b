"""/api/v1/auth/users: the people who can sign in."""

import asyncio
from datetime import datetime
from uuid import UUID

from starlette.responses import Response

from events.database import read
from events.log import Receipt
from events.receipts import find_command
from projections import users
from service.commands.handle import CarriedOutBefore, Handled
from service.credentials import new_id
from service.endpoints import paging
from service.endpoints.clients import position
from service.endpoints.creating import create
from service.endpoints.fields import Fields
from service.endpoints.management import Call, answered
from service.endpoints.wire_users import CreateUserRequest, User
from service.people.accounts import NameTaken, Profile, Registration
from service.people.passwords import fault_of
from service.people.vault import is_email
from service.problems import Invalid, NotFound

PATH = "/api/v1/auth/users"
STATES = ("active", "disabled")
LOOKS, PAUSE_SECONDS = 40, 0.05
"""How long a registration that another one of the same address is ahead of waits for what becomes of that."""


async def register(call: Call) -> Response:
    asked, user = _asked(call), new_id()
    profile = Profile(email=asked.email, name=asked.name, given_name=asked.given_name, family_name=asked.family_name)
    wanted = Registration(profile=profile, password=asked.password, verified=asked.email_verified)
    answer = _user(user, profile, verified=asked.email_verified, state="active", created_at=wanted.at)

    async def carry_out(receipt: Receipt | None) -> Handled:
        try:
            return await call.resources.people.register_as(user, wanted, call.meta, receipt=receipt)
        except NameTaken:
            if receipt is not None:
                await _same_command(call, receipt, asked.email)
            raise

    return await create(call, answer, f"{PATH}/{user}", carry_out)


async def list_users(call: Call) -> Response:
    page = paging.asked(call.request, ("state",))
    state = page.filters.get("state")
    if state is not None and state not in STATES:
        raise Invalid(
            "The query has faults in: state. See errors.", {"state": [f"must be one of: {', '.join(STATES)}"]}
        )
    rows = await read(
        call.resources.ledger.pool, lambda c: users.listed(c, after=page.after, state=state, limit=page.limit + 1)
    )
    shown = rows[: page.limit]
    profiles = await call.resources.people.profiles(shown)
    headers = page.link(call.resources.settings.issuer, PATH, shown[-1].stream_id) if len(rows) > page.limit else None
    return answered(
        [_shown(row, profiles[row.stream_id]) for row in shown if row.stream_id in profiles], headers=headers
    )


async def read_user(call: Call) -> Response:
    row = await call.resources.people.row(_id(call))
    profile = None if row is None else await call.resources.people.profile(row)
    if row is None or profile is None:
        raise _unknown()
    return answered(_shown(row, profile), headers={"ETag": f'"{row.version}"'})


async def disable_user(call: Call) -> Response:
    return _done(await call.resources.people.disable(_id(call), call.meta))


async def enable_user(call: Call) -> Response:
    return _done(await call.resources.people.enable(_id(call), call.meta))


async def erase_user(call: Call) -> Response:
    return _done(await call.resources.people.erase(_id(call), call.meta))


def _asked(call: Call) -> CreateUserRequest:
    fields = Fields(CreateUserRequest, call.request.headers.get("content-type"), call.body)
    email, password = fields.good("email"), fields.good("password")
    if email is not None and not is_email(email):
        fields.fault("email", "must be an e-mail address, such as ada@example.com")
    fault = None if password is None else fault_of(password, email)
    if fault is not None:
        fields.fault("password", fault)
    return fields.done()


async def _same_command(call: Call, receipt: Receipt, email: str) -> None:
    """Raises CarriedOutBefore when the one who has the name is this command itself, sent twice at once."""
    for _ in range(LOOKS):
        registered = await call.resources.people.find(email)
        if await read(call.resources.ledger.pool, lambda connection: find_command(connection, receipt.command_id)):
            raise CarriedOutBefore
        if registered is not None:
            return
        await asyncio.sleep(PAUSE_SECONDS)


def _id(call: Call) -> UUID:
    text = call.request.path_params["user_id"]
    try:
        user = UUID(text)
    except ValueError as fault:
        raise _unknown() from fault
    if str(user) != text:
        raise _unknown()
    return user


def _unknown() -> NotFound:
    return NotFound("There is no user of that id.")


def _done(handled: Handled) -> Response:
    return Response(status_code=204, headers=position(handled))


def _shown(row: users.Row, profile: Profile) -> User:
    return _user(row.stream_id, profile, verified=row.verified, state=row.state, created_at=row.created_at)


def _user(user: UUID, profile: Profile, *, verified: bool, state: str, created_at: datetime) -> User:
    return User(
        id=user,
        email=profile.email,
        email_verified=verified,
        name=profile.name,
        given_name=profile.given_name,
        family_name=profile.family_name,
        state=state,
        created_utc=created_at,
    )

"""muniment users: the people who can sign in."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer
from msgspec import structs

from events.database import AnyConnection, read
from projections import user_history, users
from projections.sessions import Row as Session
from projections.sessions import listed as open_sessions
from service.cli import account_recovery, user_roles
from service.cli.as_of import AsOf, past
from service.cli.ledger import Yes, confirm
from service.cli.list_options import Limit, State
from service.cli.opening import Plainly, by_operator
from service.cli.output import Json, document, moment, note, say, table
from service.cli.profiles import Claims, FamilyName, GivenName, Groups, Name, changes, with_address
from service.cli.reason_option import Reason
from service.cli.user_lookup import (
    NO_OPERATOR,
    FromStdin,
    User,
    asked_password,
    changing,
    found_user,
    is_last_operator,
    with_people,
    with_settings,
)
from service.commands.handle import Ledger
from service.configuration.settings import Settings
from service.pages.devices import named
from service.reactions import session_end
from service.use_cases import roles
from service.values.profile import Profile, changed

if TYPE_CHECKING:
    from service.people.accounts import People
    from service.people.sessions import Device
    from service.values.profile import Profile

app = typer.Typer()

Email = Annotated[str, typer.Argument(help="What they sign in with.", show_default=False)]
Verified = Annotated[bool, typer.Option("--verified", help="The e-mail address is known to be their own.")]
NoGroups = Annotated[bool, typer.Option("--no-groups", help="They are in no group any more.")]
Operator = Annotated[bool, typer.Option("--operator", help="They may do everything in the console, at /console.")]
AnyUser = Annotated[
    str | None,
    typer.Argument(metavar="[USER]", help="The id, or the e-mail address; without it, everybody.", show_default=False),
]
MostSessions = Annotated[int, typer.Option("--limit", min=1, max=100_000, help="At most so many; --end ends all.")]
End = Annotated[bool, typer.Option("--end", help="End all of them.")]


@app.command()
def create(
    email: Email,
    *,
    name: Name = None,
    given_name: GivenName = None,
    family_name: FamilyName = None,
    group: Groups = None,
    claim: Claims = None,
    from_stdin: FromStdin = False,
    verified: Verified = False,
    operator: Operator = False,
    reason: Reason = None,
    as_json: Json = False,
) -> None:
    """Register a user who can sign in. Without --password-stdin, a terminal asks for the password, twice.

    Example: `muniment users create ada@example.com --name "Ada King" --password-stdin < password.txt`
    """
    told = changes(name=name, given_name=given_name, family_name=family_name, groups=group, claims=claim)
    meta = by_operator(reason)
    password = asked_password(from_stdin=from_stdin)

    async def register(people: "People", ledger: Ledger) -> UUID:
        bare = Profile(email=email)
        profile = changed(bare, with_address(bare, told))
        made = await people.register(profile, password, meta, verified=verified)
        if operator:
            await roles.give(people, ledger, made, "operator", meta)
        return made

    user = with_people(register)
    if as_json:
        document({"id": user})
    else:
        what = " and use the console, as operator" if operator else ""
        say(f"{email} can sign in{what}. Their id, the sub of their tokens, is {user}.")


@app.command("list")
def list_users(*, state: State = None, limit: Limit = 100, as_of: AsOf = None, as_json: Json = False) -> None:
    """List users, oldest first, without those who are erased (at no moment of the past either).

    Example: `muniment users list --state disabled`
    """

    async def listed(people: "People", ledger: Ledger) -> list[tuple[users.Row, "Profile | None"]]:
        rows = await read(ledger.pool, lambda connection: _listed(connection, state, limit + 1, as_of))
        profiles = await people.profiles(rows)
        return [(row, profiles.get(row.stream_id)) for row in rows]

    found = with_people(listed)
    if as_json:
        document([_row(row, profile) for row, profile in found[:limit]])
    else:
        columns = ("id", "e-mail", "name", "state", "roles", "second factors", "created")
        table(columns, (_cells(*each) for each in found[:limit]))
    if len(found) > limit:
        note(f"there are more than these {limit}; --limit shows more of them")


@app.command()
def change(
    user: User,
    *,
    name: Name = None,
    given_name: GivenName = None,
    family_name: FamilyName = None,
    group: Groups = None,
    no_groups: NoGroups = False,
    claim: Claims = None,
    reason: Reason = None,
    as_json: Json = False,
) -> None:
    """Change a user's profile. Only the named options change; the named groups replace all groups.

    Example: `muniment users change ada@example.com --group engine --group looms --claim locale=en-GB --claim nickname=`
    """
    groups = [] if no_groups else group
    told = changes(name=name, given_name=given_name, family_name=family_name, groups=groups, claims=claim)
    if not told:
        raise Plainly("say what to change; --help has the options")
    meta = by_operator(reason)

    async def change(people: "People", found: UUID) -> None:
        row = await people.row(found)
        profile = row and await people.profile(row)
        if row is None or profile is None:
            raise Plainly(f"There is no user {user}.")
        await people.change_profile(found, with_address(profile, told), meta, only_at={row.version})

    found = _changed(user, change)
    if as_json:
        document({"id": found})
    else:
        say(f"{user} is changed.")


@app.command()
def disable(user: User, reason: Reason = None, as_json: Json = False) -> None:
    """Disable a user: end their sessions, revoke their tokens, and refuse sign-ins until they are enabled.

    Example: `muniment users disable ada@example.com`
    """
    meta = by_operator(reason)
    _done(user, _stopped(user, lambda people, found: people.disable(found, meta)), "disabled", as_json=as_json)


@app.command()
def enable(user: User, reason: Reason = None, as_json: Json = False) -> None:
    """Let a disabled user sign in again.

    Example: `muniment users enable ada@example.com`
    """
    meta = by_operator(reason)
    _done(user, _changed(user, lambda people, found: people.enable(found, meta)), "enabled", as_json=as_json)


@app.command()
def erase(user: User, *, yes: Yes = False, reason: Reason = None, as_json: Json = False) -> None:
    """Destroy the key that a user's personal data is encrypted with. The data can never be read again; this cannot be undone.

    The log keeps what happened, under an id that says nothing, and every proof of it still holds. See “Erasing a person” in
    deploy/operating.md for what backups still have. The --reason is encrypted with that key too, so it is lost with it.

    Example: `muniment users erase ada@example.com`
    """
    meta = by_operator(reason)
    confirm(f"Erase {user} permanently?", yes=yes, otherwise="nothing was erased")
    _done(user, _stopped(user, lambda people, found: people.erase(found, meta)), "erased", as_json=as_json)


@app.command()
def sessions(
    user: AnyUser = None,
    *,
    end: End = False,
    limit: MostSessions = 100,
    reason: Reason = None,
    as_json: Json = False,
) -> None:
    """List the open sessions of a user, or of everybody, latest first; with --end, end all sessions of the user.

    Example: `muniment users sessions ada@example.com --end`
    """
    meta = changing(reason, "--end", changes=end)
    if end and user is None:
        raise Plainly("say whose sessions end: the id, or the e-mail address")

    async def listed(people: "People", ledger: Ledger) -> tuple[list[tuple[Session, "Device | None"]], int]:
        from service.people.sessions import device_of  # noqa: PLC0415

        found = None if user is None else await found_user(people, user)
        rows = await read(ledger.pool, lambda c: open_sessions(c, user=found, after=None, limit=limit + 1))
        devices = [(row, await device_of(people, row)) for row in rows]
        ended = 0
        if end and found is not None:
            meta_of_theirs = await people.private(found, meta)
            ended = await session_end.end_sessions(ledger, found, "ended_by_operator", meta_of_theirs)
        return devices, ended

    found, ended = with_people(listed)
    shown = found[:limit]
    if as_json:
        document([_session(row, device) for row, device in shown])
    else:
        columns = (*(("user",) if user is None else ()), "session", "since", "until", "how", "address", "browser")
        table(columns, (_session_cells(row, device)[-len(columns) :] for row, device in shown))
    if len(found) > len(shown):
        note(f"there are more than these {limit}; --limit shows more of them")
    if end:
        note(f"{ended} ended")


app.add_typer(user_roles.app, name="role")
app.command("history")(account_recovery.history)
app.command("password")(account_recovery.password)
app.command("factors")(account_recovery.factors)


async def _listed(connection: AnyConnection, state: str | None, limit: int, as_of: str | None) -> list[users.Row]:
    if as_of is None:
        return await users.listed(connection, after=None, state=state, limit=limit)
    then = await past(connection, as_of)
    return await then.listed(user_history.HISTORY, user_history.filters(state), limit)


def _changed(user: str, change: Callable[["People", UUID], Awaitable[Any]]) -> UUID:
    async def changed(people: "People", _ledger: Ledger) -> UUID:
        found = await found_user(people, user)
        await change(people, found)
        return found

    return with_people(changed)


def _stopped(user: str, change: Callable[["People", UUID], Awaitable[Any]]) -> UUID:
    async def stopped(settings: Settings, people: "People", ledger: Ledger) -> tuple[UUID, bool]:
        found = await found_user(people, user)
        was_last = await is_last_operator(settings, people, ledger, found)
        await change(people, found)
        return found, was_last

    found, was_last = with_settings(stopped)
    if was_last:
        note(NO_OPERATOR)
    return found


def _done(named: str, user: UUID, what: str, *, as_json: bool) -> None:
    if as_json:
        document({"id": user, "state": "active" if what == "enabled" else what})
    else:
        say(f"{named} is {what}.")


def _row(row: users.Row, profile: "Profile | None") -> dict[str, Any]:
    told = structs.asdict(profile) if profile else {}
    kinds = [factor.kind for factor in row.factors]
    return {
        "id": row.stream_id,
        **told,
        "email_verified": row.verified,
        "state": row.state,
        "roles": row.all_roles,
        "given_roles": row.roles,
        "group_roles": row.group_roles,
        "factors": kinds,
        "created_at": row.created_at,
    }


def _cells(row: users.Row, profile: "Profile | None") -> tuple[str, ...]:
    email, name = (profile.email or "", profile.name or "") if profile else ("", "")
    factors = ", ".join(factor.kind for factor in row.factors)
    return (str(row.stream_id), email, name, row.state, _roles(row), factors or "none", moment(row.created_at))


def _roles(row: users.Row) -> str:
    """The roles, and with each one that nobody but a group brings, that it does."""
    return ", ".join(role if role in row.roles else f"{role} (by group)" for role in row.all_roles) or "none"


def _session(row: Session, device: "Device | None") -> dict[str, Any]:
    told: dict[str, Any] = {name: getattr(row, name) for name in ("amr", "acr", "started_at", "expires_at")}
    where = {"address": device.address, "agent": device.agent} if device else {"address": None, "agent": None}
    return {"id": row.stream_id, "user": row.user_id, **told, **where}


def _session_cells(row: Session, device: "Device | None") -> tuple[str, ...]:
    where = (device.address, named(device.agent)) if device else ("", "")
    return (
        str(row.user_id),
        str(row.stream_id),
        moment(row.started_at),
        moment(row.expires_at),
        ", ".join(row.amr),
        *where,
    )

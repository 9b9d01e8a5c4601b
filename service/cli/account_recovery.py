"""What an operator does for a person: look at what happened to them, and help when the password or the phone is lost."""

from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from events.codec import Recorded
from events.database import AnyConnection, read
from events.replay import histories
from projections import users
from service.cli.event_text import what
from service.cli.histories import Diff, tell
from service.cli.opening import by_operator
from service.cli.output import Json, document, moment, note, say, table
from service.cli.reason_option import Reason
from service.cli.user_lookup import FromStdin, User, asked_password, changing, found_user, with_people
from service.commands.handle import Ledger
from service.use_cases import passwords, second_factors

if TYPE_CHECKING:
    from service.people.accounts import People

Remove = Annotated[
    bool, typer.Option("--remove-all", help="Take all of them away: the password alone is asked for again.")
]


def history(user: User, *, diff: Diff = False, as_json: Json = False) -> None:
    """Show what happened to a user: the account, sign-ins, consents, and the tokens issued from them.

    Who they are is not told, for the log does not know; with --diff, their data key opens the values that changed. With --json, one
    event a line, with the sentence under "told", and with --diff the fields under "changes".

    Example: `muniment users history ada@example.com`
    """

    async def happened(people: "People", ledger: Ledger) -> tuple[list[Recorded], list[dict[str, Any]] | None]:
        from service.vault.reasons import readable  # noqa: PLC0415 - the libraries of cryptography come along

        found = await found_user(people, user)

        async def all_of(connection: AnyConnection) -> list[Recorded]:
            return await histories(connection, await users.streams_of(connection, found))

        events = await readable(people.vault, await read(ledger.pool, all_of))
        return events, await _changes(people, found, events) if diff else None

    events, changes = with_people(happened)
    tell(events, [what(past.event) for past in events], changes, script=as_json)


async def _changes(people: "People", user: UUID, events: list[Recorded]) -> list[dict[str, Any]]:
    """The fields of the user that each event changed: none for events of sessions, consents and authorizations."""
    from service.endpoints import differences  # noqa: PLC0415 - Starlette comes along
    from service.people.accounts import is_erased, profile_under  # noqa: PLC0415

    own = [past for past in events if past.stream_id == user]
    seal = None if is_erased(own) else await people.vault.key(user)
    versions = differences.versions(users.TABLE, own)
    changed = {
        each.past.position: differences.changed(each, lambda row: differences.of_user(row, profile_under(seal, row)))
        for each in versions
    }
    return [changed.get(past.position, {}) for past in events]


def password(user: User, *, from_stdin: FromStdin = False, reason: Reason = None, as_json: Json = False) -> None:
    """Set a new password for a user who lost theirs. Their sessions end, and applications must ask for access again.

    Example: `muniment users password ada@example.com --password-stdin < password.txt`
    """
    meta = by_operator(reason)
    new = asked_password(from_stdin=from_stdin)

    async def change(people: "People", ledger: Ledger) -> UUID:
        found = await found_user(people, user)
        await passwords.replace(people, ledger, found, new, meta)
        return found

    found = with_people(change)
    if as_json:
        document({"id": found})
    else:
        say(f"{user} has a new password. Tell them, and to change it at once in their account.")


def factors(user: User, *, remove: Remove = False, reason: Reason = None, as_json: Json = False) -> None:
    """List a user's second factors; with --remove-all, remove them, for example after the phone was lost.

    Example: `muniment users factors ada@example.com --remove-all`
    """
    meta = changing(reason, "--remove-all", changes=remove)

    async def listed(people: "People", ledger: Ledger) -> users.Row:
        found = await found_user(people, user)
        row = await people.row(found)
        assert row is not None
        if remove:
            private = await people.private(found, meta)
            await second_factors.remove(ledger, found, [factor.factor_id for factor in row.factors], private)
        return row

    row = with_people(listed)
    if as_json:
        document([{"id": f.factor_id, "kind": f.kind, "created_at": f.created_at} for f in row.factors])
    else:
        table(("id", "kind", "since"), ((str(f.factor_id), f.kind, moment(f.created_at)) for f in row.factors))
    if remove:
        note(f"{len(row.factors)} removed")

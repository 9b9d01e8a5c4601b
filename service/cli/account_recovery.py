"""What an operator does for a person: look at what happened to them, and help when the password or the phone is lost."""

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from events.codec import Recorded
from events.database import AnyConnection, read
from events.replay import histories
from projections import users
from service.cli.event_text import what
from service.cli.histories import tell
from service.cli.opening import by_operator
from service.cli.output import Json, document, moment, note, say, table
from service.cli.user_lookup import FromStdin, User, asked_password, found_user, with_people
from service.commands.handle import Ledger
from service.use_cases import passwords, second_factors

if TYPE_CHECKING:
    from service.people.accounts import People

Remove = Annotated[
    bool, typer.Option("--remove-all", help="Take all of them away: the password alone is asked for again.")
]


def history(user: User, as_json: Json = False) -> None:
    """Show what happened to a user: the account, sign-ins, consents, and the tokens issued from them.

    Who they are is not told, for the log does not know. With --json, one event a line, with the sentence under "told".

    Example: `muniment users history ada@example.com`
    """

    async def happened(people: "People", ledger: Ledger) -> list[Recorded]:
        found = await found_user(people, user)

        async def all_of(connection: AnyConnection) -> list[Recorded]:
            return await histories(connection, await users.streams_of(connection, found))

        return await read(ledger.pool, all_of)

    events = with_people(happened)
    tell(events, [what(past.event) for past in events], script=as_json)


def password(user: User, *, from_stdin: FromStdin = False, as_json: Json = False) -> None:
    """Set a new password for a user who lost theirs. Their sessions end, and applications must ask for access again.

    Example: `muniment users password ada@example.com --password-stdin < password.txt`
    """
    new = asked_password(from_stdin=from_stdin)

    async def change(people: "People", ledger: Ledger) -> UUID:
        found = await found_user(people, user)
        await passwords.replace(people, ledger, found, new, by_operator())
        return found

    found = with_people(change)
    if as_json:
        document({"id": found})
    else:
        say(f"{user} has a new password. Tell them, and to change it at once in their account.")


def factors(user: User, *, remove: Remove = False, as_json: Json = False) -> None:
    """List a user's second factors; with --remove-all, remove them, for example after the phone was lost.

    Example: `muniment users factors ada@example.com --remove-all`
    """

    async def listed(people: "People", ledger: Ledger) -> users.Row:
        found = await found_user(people, user)
        row = await people.row(found)
        assert row is not None
        if remove:
            await second_factors.remove(ledger, found, [factor.factor_id for factor in row.factors], by_operator())
        return row

    row = with_people(listed)
    if as_json:
        document([{"id": f.factor_id, "kind": f.kind, "created_at": f.created_at} for f in row.factors])
    else:
        table(("id", "kind", "since"), ((str(f.factor_id), f.kind, moment(f.created_at)) for f in row.factors))
    if remove:
        note(f"{len(row.factors)} removed")

"""muniment bots: the subjects that machine clients act as."""

from typing import Any

import typer

from events.database import Connection
from projections import bot_history, bots
from projections.bots import Row, find, listed
from service.cli import bot_changes, restoration
from service.cli.as_of import AsOf, past
from service.cli.bot_lookup import BotId, stream_of
from service.cli.histories import Diff, tell_all
from service.cli.list_options import Limit, Owner
from service.cli.opening import Plainly, ask
from service.cli.output import Json, document, lines, moment, note, table

app = typer.Typer()

app.command("restore")(restoration.restore_bot_asked)
app.command("create")(bot_changes.create)
app.command("disable")(bot_changes.disable)
app.command("enable")(bot_changes.enable)
app.command("delete")(bot_changes.delete)


@app.command("list")
def list_bots(*, owner: Owner = None, limit: Limit = 100, as_of: AsOf = None, as_json: Json = False) -> None:
    """List bots, oldest first, without deleted ones.

    Example: `muniment bots list --owner ada --as-of 2026-03-03`
    """
    rows = ask(lambda connection: _listed(connection, owner, limit + 1, as_of))
    if as_json:
        document([_row(row) for row in rows[:limit]])
    else:
        columns = ("id", "e-mail", "first name", "last name", "state", "owner", "created")
        table(columns, map(_cells, rows[:limit]))
    if len(rows) > limit:
        note(f"there are more than these {limit}; --limit shows more of them")


@app.command()
def show(bot_id: BotId, as_of: AsOf = None, as_json: Json = False) -> None:
    """Show a bot.

    Example: `muniment bots show bot_0192f3a1c5d87cc4a1b2c3d4e5f60718`
    """
    row = ask(lambda connection: _found(connection, bot_id, as_of))
    if as_json:
        document(_row(row))
    else:
        names = ("id", "e-mail", "first name", "last name", "state", "owner", "created")
        lines([*zip(names, _cells(row), strict=True), ("version", str(row.version))])


@app.command()
def history(bot_id: BotId, *, diff: Diff = False, as_json: Json = False) -> None:
    """Show what happened to a bot, also to a deleted one: what, by whom, when. Each of its clients has a history of its own.

    With --json, one event a line, with the sentence under "told", and with --diff the fields under "changes".

    Example: `muniment bots history bot_0192f3a1c5d87cc4a1b2c3d4e5f60718 --diff`
    """
    tell_all(bots.TABLE, [stream_of(bot_id)], none=f"There never was a bot {bot_id}.", diff=diff, script=as_json)


async def _listed(connection: Connection, owner: str | None, limit: int, as_of: str | None) -> list[Row]:
    if as_of is None:
        return list(await listed(connection, owner=owner, after=None, limit=limit))
    then = await past(connection, as_of)
    return await then.listed(bot_history.HISTORY, bot_history.filters(owner), limit)


async def _found(connection: Connection, bot_id: str, as_of: str | None) -> Row:
    stream = stream_of(bot_id)
    if as_of is None:
        row = await find(connection, bot_id)
    else:
        row = await (await past(connection, as_of)).find(bot_history.HISTORY, stream)
    if row is None or row.state == "deleted":
        exists = "does not exist" if as_of is None else "did not exist then"
        raise Plainly(f"The bot {bot_id} {'was deleted' if row else exists}.")
    return row


def _row(row: Row) -> dict[str, Any]:
    told: dict[str, Any] = {name: getattr(row, name) for name in row.__struct_fields__ if name != "stream_id"}
    return told


def _cells(row: Row) -> tuple[str, ...]:
    return (
        *(row.bot_id, row.email or "", row.first_name or "", row.last_name or ""),
        *(row.state, row.owner, moment(row.created_at)),
    )

"""muniment devices: the devices that asked to sign a user in (RFC 8628)."""

from typing import Annotated, Literal
from uuid import UUID

import typer

from events.database import Connection
from projections import client_lists, device_authorizations
from projections.device_authorizations import Row, Wanted
from service.cli.client_lookup import stream_of
from service.cli.histories import Diff, tell_all
from service.cli.opening import Plainly, ask
from service.cli.output import Json, document, lines, moment, note, table
from service.clock import utc_now
from service.values.uuids import uuid_of

COLUMNS = ("id", "client", "state", "user", "scopes", "asked", "answered")

app = typer.Typer()

Client = Annotated[str | None, typer.Option("--client", metavar="CLIENT_ID", help="Only those of this client.")]
User = Annotated[str | None, typer.Option("--user", metavar="ID", help="Only those that this user answered.")]
State = Annotated[
    Literal["waiting", "approved", "denied", "expired"] | None, typer.Option(help="Only those in this state.")
]
DeviceId = Annotated[str, typer.Argument(metavar="ID", help="As the list has it.", show_default=False)]
Limit = Annotated[int, typer.Option(min=1, max=1_000_000, help="At most so many, latest first.")]


@app.command("list")
def list_devices(
    *, client: Client = None, user: User = None, state: State = None, limit: Limit = 100, as_json: Json = False
) -> None:
    """List the devices that asked to sign a user in, latest first, and who answered. Their codes are not kept.

    Example: `muniment devices list --state approved --client oauth_client_0199f3a57c1e7d0a9b432f6f0d1c8e55`
    """
    wanted = Wanted(client=None if client is None else stream_of(client), user=_user(user), state=state)
    rows, names = ask(lambda connection: _listed(connection, wanted, limit + 1))
    now = utc_now()
    if as_json:
        from service.endpoints.device_authorizations import shown  # noqa: PLC0415 - its libraries take ten megabytes

        document([shown(row, names[row.client], now) for row in rows[:limit]])
    else:
        table(
            COLUMNS, ((str(row.stream_id), names[row.client], *_cells(row, row.state_at(now))) for row in rows[:limit])
        )
    if len(rows) > limit:
        note(f"there are more than these {limit}; --limit shows more of them")


@app.command()
def show(device_id: DeviceId, *, as_json: Json = False) -> None:
    """Show a device that asked to sign a user in, and who answered.

    Example: `muniment devices show 0199f3a5-7c1e-7d0a-9b43-2f6f0d1c8e58`
    """
    row, client_id = ask(lambda connection: _found(connection, device_id))
    now = utc_now()
    if as_json:
        from service.endpoints.device_authorizations import shown  # noqa: PLC0415 - its libraries take ten megabytes

        document(shown(row, client_id, now))
        return
    lines(
        [
            *(("id", str(row.stream_id)), ("client", client_id), ("state", row.state_at(now))),
            *(("scopes", " ".join(row.scopes)), ("for", row.resource or "")),
            *(("asked", moment(row.requested_at)), ("expires", moment(row.expires_at))),
            *(("answered", moment(row.answered_at)), ("user", str(row.user_id or ""))),
            ("grant", str(row.authorization_id or "")),
        ]
    )


@app.command()
def history(device_id: DeviceId, *, diff: Diff = False, as_json: Json = False) -> None:
    """Show what happened to a device authorization: which client asked, and who answered.

    With --json, one event a line, with the sentence under "told", and with --diff the fields under "changes".

    Example: `muniment devices history 0199f3a5-7c1e-7d0a-9b43-2f6f0d1c8e58`
    """
    none = f"There never was a device authorization {device_id}."
    tell_all(device_authorizations.TABLE, [_stream(device_id)], none=none, diff=diff, script=as_json)


def _stream(device_id: str) -> UUID:
    """Raises Plainly."""
    stream = uuid_of(device_id)
    if stream is None:
        raise Plainly(f"{device_id} is no id of a device authorization; muniment devices list has them.")
    return stream


async def _found(connection: Connection, device_id: str) -> tuple[Row, str]:
    """Return the row and the client_id. Raises Plainly."""
    row = await device_authorizations.find(connection, _stream(device_id))
    if row is None:
        raise Plainly(f"There is no device authorization {device_id}.")
    return row, (await client_lists.client_ids(connection, [row.client]))[row.client]


def _user(text: str | None) -> UUID | None:
    """Raises Plainly."""
    user = None if text is None else uuid_of(text)
    if text is not None and user is None:
        raise Plainly(f"{text} is not the id of a user; muniment users show finds it by the e-mail address.")
    return user


async def _listed(connection: Connection, wanted: Wanted, most: int) -> tuple[list[Row], dict[UUID, str]]:
    """Return the rows, and the client_id of each client among them."""
    rows = await device_authorizations.listed(connection, wanted, limit=most)
    return rows, await client_lists.client_ids(connection, [row.client for row in rows])


def _cells(row: Row, state: str) -> tuple[str, ...]:
    user = "" if row.user_id is None else str(row.user_id)
    return (state, user, " ".join(row.scopes), moment(row.requested_at), moment(row.answered_at))

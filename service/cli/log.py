"""muniment log: what happened, and the proof that it is what was written."""

from typing import Annotated, Any, cast
from uuid import UUID

import asyncpg
import typer

from events import issued_tokens
from events.codec import Recorded
from events.database import Connection
from events.ids import bot_stream, client_id_of, client_stream
from events.issuance import decode
from events.replay import history
from projections import signing_keys
from service.audit.event_fields import fields
from service.cli import archive, export, following, spreadsheet, transparency, verification
from service.cli.event_text import as_json as event_as_json
from service.cli.event_text import who, why
from service.cli.opening import Plainly, ask
from service.cli.output import Json, document, lines, moment, say, write
from service.cli.selection import Actors, Since, Types, Until, selection
from service.cli.spreadsheet import Csv
from service.values.text import printable
from service.values.uuids import uuid_of

app = typer.Typer()

Stream = Annotated[
    str,
    typer.Argument(
        metavar="STREAM",
        help="A client_id, a bot's id (bot_…), a user's or a session's id, a signing key's kid, a token's jti, or any stream's id (UUID).",
        show_default=False,
    ),
]


def show(
    stream: Stream,
    since: Since = None,
    until: Until = None,
    types: Types = None,
    actors: Actors = None,
    *,
    as_csv: Csv = False,
    as_json: Json = False,
) -> None:
    """Show everything that happened to one client, bot, user, session, signing key or token, oldest first.

    Each event with its place in the log, who did it by which request and from where, and its own fields; of a secret only the
    hint. For a token, also its issue. --since, --until, --type and --actor choose among them.

    Example: `muniment log show oauth_client_0192f3a1c5d87cc4a1b2c3d4e5f60718`
    """
    wanted = selection(since, until, types, actors)
    name, events, token = ask(lambda connection: _happened(connection, stream))
    if not events and token is None:
        raise Plainly(f"Nothing ever happened to {printable(stream)}.")
    events = [past for past in events if wanted.wants(past)]
    if as_csv:
        write(spreadsheet.header() + "".join(map(spreadsheet.row, events)))
        return
    if as_json:
        document(
            {"stream_id": name, "issued": token and _issue(token), "events": [event_as_json(past) for past in events]}
        )
        return
    if token is not None:
        say(f"issued  position {token['position']} of the issuance log")
        lines(((k, str(v)) for k, v in _issue(token).items() if k != "position"), indent="  ")
    for past in events:
        _tell(past)


app.command("show")(show)
app.command("follow")(following.follow)
app.command("export")(export.export)
app.command("archive")(archive.archive)
app.command("verify")(verification.verify)
app.command("prove")(transparency.prove)
app.command("consistency")(transparency.consistency)
app.command("checkpoint")(transparency.checkpoint)
app.command("key")(transparency.key)


def _tell(past: Recorded) -> None:
    meta = past.meta
    say(f"{past.type}  position {past.position}, version {past.version}")
    envelope = [
        ("recorded", moment(past.recorded_at, exact=True)),
        ("by", who(meta.actor)),
        ("request", meta.request_id),
    ]
    if meta.trace_id:
        envelope.append(("trace", meta.trace_id))
    if meta.address:
        envelope.append(("from", meta.address))
    if meta.cause:
        envelope.append(("because of", f"position {meta.cause}"))
    if meta.reason:
        envelope.append(("reason", why(meta)))
    lines([*envelope, *_flat(fields(past.event))], indent="  ")


def _flat(value: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Nested fields by their dotted names."""
    told: list[tuple[str, str]] = []
    for name, field in value.items():
        if isinstance(field, dict):
            told += _flat(cast("dict[str, Any]", field), f"{prefix}{name}.")
        elif isinstance(field, list | tuple):
            told.append((prefix + name, " ".join(map(str, cast("tuple[Any]", field))) or "none"))
        else:
            told.append((prefix + name, "none" if field is None else str(field)))
    return told


async def _happened(connection: Connection, name: str) -> tuple[UUID, list[Recorded], asyncpg.Record | None]:
    stream = await _stream(connection, name)
    events = await history(connection, stream)
    token = await issued_tokens.find(connection, stream)
    return stream, events, token


async def _stream(connection: Connection, name: str) -> UUID:
    stream = bot_stream(name) or uuid_of(name) or await _kid(connection, name) or client_stream(name)
    if stream is None:
        raise Plainly(f"{printable(name)} is not a client_id (oauth_client_…), bot id (bot_…), kid, jti or UUID.")
    return stream


async def _kid(connection: Connection, name: str) -> UUID | None:
    return next((row.stream_id for row in await signing_keys.every(connection) if row.kid == name), None)


def _issue(row: asyncpg.Record) -> dict[str, Any]:
    token = decode(row["data"])
    return {
        "position": row["position"],
        "issued_at": row["issued_at"],
        "client_id": client_id_of(row["client"]),
        "secret_id": row["secret"],
        "jti": row["jti"],
        "sub": token.sub,
        "scope": token.scope,
        "kid": token.kid,
        "exp": token.exp,
        "address": token.address,
    }

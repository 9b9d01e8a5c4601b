"""muniment clients: which there are, what each is, and how it came to be so."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal, NamedTuple
from uuid import UUID

import typer
from msgspec import UNSET

from events.client import Login
from events.client_key import StoredKey
from events.client_secret import StoredSecret
from events.client_security import USUAL_SECURITY
from events.codec import Recorded
from events.database import Connection
from events.ids import bot_stream
from events.replay import histories
from events.replay import history as history_of
from events.secrets_given import keys_given, secrets_given
from projections import authorizations, bot_history, client_history, client_order, clients, consents, last_used
from projections.client_lists import WHOLE, Wanted, listed
from projections.clients import Found, Row, find
from service.cli import (
    client_changes,
    client_creation,
    client_edit,
    client_secrets,
    importing,
    restoration,
    unused,
    workloads,
)
from service.cli.as_of import AsOf, past, present
from service.cli.client_lookup import ClientId, stream_of
from service.cli.event_text import apis_in_words, changed_terms, what
from service.cli.histories import Diff, changes_of, tell
from service.cli.list_options import Owner
from service.cli.opening import Plainly, ask
from service.cli.output import Json, document, lines, moment, note, say, table

LOGINS = 20
"""So many of a client's last logins tell whether it uses PKCE."""

app = typer.Typer()

Name = Annotated[str | None, typer.Option(help="Only those with this in their name, in upper or lower case.")]
Scope = Annotated[str | None, typer.Option(help="Only those that may have this scope.")]
Bot = Annotated[str | None, typer.Option(help="Only those that act as this bot.")]
Limit = Annotated[int, typer.Option(min=1, max=1_000_000, help="At most so many.")]
AnyOrder = Literal["oldest", "newest", client_order.Order]
Ordered = Annotated[
    AnyOrder,
    typer.Option("--order", help="Which come first; by name and last use only as they are now, not with --as-of."),
]


app.command("import")(importing.import_clients)
app.command("restore")(restoration.restore_client_asked)
app.command("create")(client_creation.create)
app.command("edit")(client_edit.edit)
app.command("disable")(client_changes.disable)
app.command("enable")(client_changes.enable)
app.command("delete")(client_changes.delete)
app.command("rotate")(client_secrets.rotate)
app.command("unused")(unused.list_unused)


ExpiresWithin = Annotated[
    int | None,
    typer.Option(min=1, max=366, metavar="DAYS", help="Only those of which a live secret expires within so many days."),
]
State = Annotated[
    Literal["active", "disabled", "deleted"] | None,
    typer.Option(help="Only those in this state; deleted ones are in no other list."),
]


@app.command("list")
def list_clients(
    *,
    owner: Owner = None,
    state: State = None,
    name: Name = None,
    bot: Bot = None,
    scope: Scope = None,
    expires_within: ExpiresWithin = None,
    order: Ordered = "oldest",
    limit: Limit = 100,
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """List clients, with when each last got a token.

    Example: `muniment clients list --state disabled --scope crm:read --order long_unused`
    """
    if as_of is not None and order != "oldest":
        raise Plainly("--as-of lists the oldest first; leave --order out")
    if expires_within is not None and (as_of is not None or state == "deleted"):
        raise Plainly("--expires-within is about secrets that are live now; leave --as-of and --state deleted out")
    if state == "deleted" and (as_of is not None or order != "oldest"):
        raise Plainly("--state deleted lists the oldest first, as they last were; leave --as-of and --order out")
    wanted = Wanted(
        owner=owner,
        state=state,
        name=name,
        bot_user_id=bot,
        scope=scope,
        expiring_until=_until(expires_within),
        newest_first=order == "newest",
    )
    rows, used = ask(lambda connection: _listed(connection, wanted, order, limit + 1, as_of))
    shown = rows[:limit]
    if as_json:
        document([_row(row, used.get(row.stream_id)) for row in shown])
    else:
        columns = (
            "client_id",
            "name",
            "state",
            "owner",
            "bot",
            *(("last used",) if as_of is None and state != "deleted" else ()),
        )
        table(columns, (_cells(row, used.get(row.stream_id))[: len(columns)] for row in shown))
    if len(rows) > limit:
        note(f"there are more than these {limit}; --limit shows more of them")


@app.command()
def show(client_id: ClientId, *, as_of: AsOf = None, as_json: Json = False) -> None:
    """Show everything that a client is, or was: its grant, scopes and redirect URIs, and each secret by its hint.

    Example: `muniment clients show oauth_client_0192f3a1c5d87cc4a1b2c3d4e5f60718`
    """
    stream = stream_of(client_id)
    found, used, secrets, bindings = ask(lambda connection: _found(connection, stream, client_id, as_of))
    if as_json:
        told = {**_row(found.client, used), "bot_state": found.bot_state, "pkce": pkce(found.client, bindings)}
        told |= {"workload_identities": workloads.document(found.client, secrets)}
        document({**told, "secrets": [client_secrets.shown(s, secrets) for s in found.client.secrets]})
        return
    trusted = workloads.facts(found.client, secrets if as_of is None else None)
    facts = [*_facts(found, used), *trusted, *_login_facts(found.client, bindings)]
    lines((name, value) for name, value in facts if as_of is None or name != "last used")
    say("")
    columns = client_secrets.COLUMNS if as_of is None else client_secrets.COLUMNS[:-1]
    table(columns, (client_secrets.cells(secret, secrets)[: len(columns)] for secret in found.client.secrets))


@app.command()
def history(client_id: ClientId, *, diff: Diff = False, as_json: Json = False) -> None:
    """Tell a client's life: what changed from what to what, who allowed it what, by whom, when. Deleted clients have one too.

    With --json, one event a line, with the sentence under "told", and with --diff the fields under "changes".

    Example: `muniment clients history --diff oauth_client_0192f3a1c5d87cc4a1b2c3d4e5f60718`
    """
    stream = stream_of(client_id)
    events = ask(lambda connection: _life(connection, stream, client_id))
    if not events:
        raise Plainly(f"There never was a client {client_id}.")
    tell(events, _told(events), changes_of(clients.TABLE, events) if diff else None, script=as_json)


def _until(days: int | None) -> datetime | None:
    return None if days is None else datetime.now(UTC) + timedelta(days=days)


async def _listed(
    connection: Connection,
    wanted: Wanted,
    order: AnyOrder,
    limit: int,
    as_of: str | None,
) -> tuple[list[Row], dict[UUID, datetime]]:
    if as_of is not None:
        then = await past(connection, as_of)
        return await then.listed(client_history.HISTORY, client_history.filters(wanted), limit), {}
    if wanted.state == "deleted":
        found = await (await present(connection)).deleted(
            client_history.HISTORY, client_history.filters_of_deleted(wanted), limit
        )
        return [row.__replace__(state="deleted") for row in found], {}
    if order in ("oldest", "newest"):
        rows = await listed(connection, wanted, WHOLE, limit=limit)
    else:
        rows = await client_order.first(connection, wanted, WHOLE, order, limit=limit)
    return rows, await last_used.clients_used(connection, [row.stream_id for row in rows])


class _Shown(NamedTuple):
    """A client, when it and each of its secrets and workload identities were last used, and what bound its last codes. Of the past there is only the client."""

    found: Found
    used: datetime | None
    secrets: dict[UUID, datetime]
    bindings: list[frozenset[str]]


async def _found_then(connection: Connection, stream: UUID, client_id: str, as_of: str) -> _Shown:
    then = await past(connection, as_of)
    client = await then.find(client_history.HISTORY, stream)
    if client is None:
        raise Plainly(f"The client {client_id} did not exist then.")
    its_bot = client.bot_user_id and bot_stream(client.bot_user_id)
    bot = await then.find(bot_history.HISTORY, its_bot) if its_bot else None
    return _Shown(Found(client=client, bot_state=bot and bot.state), None, {}, [])


async def _found(connection: Connection, stream: UUID, client_id: str, as_of: str | None) -> _Shown:
    if as_of is not None:
        return await _found_then(connection, stream, client_id, as_of)
    found = await find(connection, stream)
    if found is None:
        known = "was deleted; muniment clients history tells its life" if await history_of(connection, stream) else ""
        raise Plainly(f"The client {client_id} {known or 'does not exist'}.")
    used = await last_used.clients_used(connection, [stream])
    ids = [*(s.secret_id for s in found.client.secrets), *workloads.ids(found.client)]
    secrets = await last_used.secrets_used(connection, ids)
    return _Shown(found, used.get(stream), secrets, await authorizations.last_bindings(connection, stream, LOGINS))


async def _life(connection: Connection, stream: UUID, client_id: str) -> list[Recorded]:
    """With what people allowed it; each of their logins is in `muniment users history`."""
    return await histories(connection, [stream, *await consents.of_client(connection, client_id)])


def _told(events: list[Recorded]) -> list[str]:
    """A sentence for each event; a secret or key that is revoked by its id is shown by its name."""
    secrets: dict[UUID, StoredSecret] = {}
    keys: dict[UUID, StoredKey] = {}
    told: list[str] = []
    for event in (recorded.event for recorded in events):
        secrets |= {secret.secret_id: secret for secret in secrets_given(event)}
        keys |= {key.key_id: key for key in keys_given(event)}
        told.append(what(event, secrets, keys))
    return told


def _row(row: Row, used: datetime | None) -> dict[str, Any]:
    told: dict[str, Any] = {name: getattr(row, name) for name in row.__struct_fields__ if name != "secrets"}
    return {**told, "last_used_at": used}


def _cells(row: Row, used: datetime | None) -> tuple[str, ...]:
    name, bot = row.display_name or "", row.bot_user_id or ""
    return (
        row.client_id,
        name,
        row.state,
        row.owner,
        bot,
        moment(used) or "never",
    )


def _facts(found: Found, used: datetime | None) -> list[tuple[str, str]]:
    row = found.client
    bot = f"{row.bot_user_id or 'none'}{f' ({found.bot_state})' if found.bot_state else ''}"
    return [
        ("client_id", row.client_id),
        ("name", row.display_name or "none"),
        ("owner", row.owner),
        ("state", f"{row.state} (by the {row.disabled_by})" if row.disabled_by else row.state),
        ("grant", row.grant_type),
        ("bot", bot),
        ("scopes", " ".join(row.scopes) or "none"),
        ("APIs", apis_in_words(row.apis)),
        ("token alg", row.access_token_alg or "as MUNIMENT_ACCESS_TOKEN_ALG says"),
        *([("security", changed_terms(row.security))] if row.security != USUAL_SECURITY else []),
        *_document_facts(row),
        *(("redirect URI", uri) for uri in row.redirect_uris),
        ("created", moment(row.created_at)),
        ("last used", moment(used) or "never"),
        ("version", str(row.version)),
    ]


def _document_facts(row: Row) -> list[tuple[str, str]]:
    """What is said of clients alone whose client_id is the URL of a metadata document."""
    seen = row.document
    return [] if seen is None else [("document", f"SHA-256 {seen.digest}, since {moment(seen.at)}")]


def _login_facts(row: Row, bindings: Sequence[frozenset[str]]) -> list[tuple[str, str]]:
    """What is said of interactive clients alone."""
    told = pkce(row, bindings)
    return [] if told is None else [("PKCE", told)]


def pkce(row: Row, bindings: Sequence[frozenset[str]]) -> str | None:
    """Whether it is required, and whether the client uses it, by what bound the codes of its last logins."""
    if row.login is None:
        return None
    used = sum("pkce" in bound for bound in bindings)
    if used == len(bindings):
        return _required(row.login, public=row.public)
    uses = f"used in {used} of the last {len(bindings)} logins" if used else "does not use PKCE"
    return f"{_required(row.login, public=row.public)}; {uses}"


def _required(login: Login, *, public: bool) -> str:
    if public or login.require_pkce is True:
        return "required"
    return "as MUNIMENT_REQUIRE_PKCE says" if login.require_pkce is UNSET else "not required"

"""muniment initial-tokens: the tokens with which clients register themselves (RFC 7591 section 3)."""

from typing import Annotated, Any
from uuid import UUID

import typer

from events.database import Connection
from projections import initial_access_token_history, initial_access_tokens
from projections.initial_access_tokens import Row, listed
from service.cli.as_of import AsOf, past
from service.cli.client_secrets import Expires, later
from service.cli.histories import Diff, tell_all
from service.cli.ledger import OPERATOR, AtVersion, Yes, changed, confirm, only_at, with_ledger
from service.cli.list_options import Limit
from service.cli.list_options import Owner as OfOwner
from service.cli.opening import Plainly, ask, by_operator
from service.cli.output import Json, document, lines, moment, note, say, table
from service.cli.ownership import Owner, check_owner
from service.cli.reason_option import Reason
from service.cli.request_fields import done, fields_of
from service.clock import utc_now
from service.commands.handle import INITIAL_ACCESS_TOKEN, Ledger, handle
from service.commands.initial_access_token import RevokeInitialAccessToken
from service.configuration.settings import Settings
from service.crypto import opaque_tokens
from service.crypto.credentials import new_id
from service.endpoints import client_settings, secret_expiry
from service.endpoints.initial_token_schemas import MOST_USES, CreateInitialAccessTokenRequest
from service.refusals import VersionMismatch
from service.values.uuids import uuid_of

COLUMNS = ("id", "name", "hint", "owner", "scopes", "machines", "used", "state", "expires", "last used")
OPTIONS = {"name": "NAME", "scopes": "--scope", "uses": "--uses", "expiresUtc": "--expires"}

app = typer.Typer()

TokenId = Annotated[str, typer.Argument(metavar="ID", help="As the list has it.", show_default=False)]
TokenName = Annotated[str, typer.Argument(metavar="NAME", help="A name for people.", show_default=False)]
Scopes = Annotated[
    list[str] | None,
    typer.Option(
        "--scope", metavar="SCOPE", help="That its clients may have; may be repeated. If not given: api:public."
    ),
]
Machines = Annotated[bool, typer.Option("--machines", help="It also registers machine clients.")]
Uses = Annotated[int, typer.Option("--uses", metavar="N", help=f"How many clients it registers, up to {MOST_USES:,}.")]


@app.command("list")
def list_tokens(*, owner: OfOwner = None, limit: Limit = 100, as_of: AsOf = None, as_json: Json = False) -> None:
    """List initial access tokens, oldest first, also those that are used up, expired or revoked.

    Example: `muniment initial-tokens list --owner ada`
    """
    rows = ask(lambda connection: _listed(connection, owner, limit + 1, as_of))
    if as_json:
        document([_row(row) for row in rows[:limit]])
    else:
        table(COLUMNS, map(_cells, rows[:limit]))
    if len(rows) > limit:
        note(f"there are more than these {limit}; --limit shows more of them")


@app.command()
def history(token_id: TokenId, *, diff: Diff = False, as_json: Json = False) -> None:
    """Show what happened to an initial access token: who made it, which clients it registered, and its revocation.

    With --json, one event a line, with the sentence under "told", and with --diff the fields under "changes".

    Example: `muniment initial-tokens history 0199f3a5-7c1e-7d0a-9b43-2f6f0d1c8e55`
    """
    none = f"There never was an initial access token {token_id}."
    tell_all(initial_access_tokens.TABLE, [_stream(token_id)], none=none, diff=diff, script=as_json)


@app.command()
def create(
    name: TokenName,
    *,
    owner: Owner,
    scope: Scopes = None,
    machines: Machines = False,
    uses: Uses = 1,
    expires: Expires = None,
    reason: Reason = None,
    as_json: Json = False,
) -> None:
    """Create a token with which clients register themselves, and print it. It is shown only here, once.

    Example: `muniment initial-tokens create "support agents" --owner support --uses 25 --expires 90d`
    """
    from service.endpoints.initial_access_tokens import issuing  # noqa: PLC0415 - its libraries take ten megabytes

    now, meta = utc_now(), by_operator(reason)
    ends = None if expires is None else later("--expires", expires, now)
    fields = fields_of(
        CreateInitialAccessTokenRequest(name=name, scopes=scope, machine_clients=machines, uses=uses, expires_utc=ends)
    )
    client_settings.check_scopes(fields)
    until = secret_expiry.expiry(fields, "expiresUtc", now)
    asked, stream = done(fields, OPTIONS), new_id()
    check_owner(owner, "clients")
    token = opaque_tokens.make(opaque_tokens.INITIAL_ACCESS_TOKEN, stream)
    command = issuing(asked, token, until, now, by=OPERATOR, owner=owner)
    with_ledger(lambda ledger, _: handle(ledger, INITIAL_ACCESS_TOKEN, stream, command, meta, fresh=True))
    if as_json:
        document({"id": stream, "token": token.reveal()})
    else:
        lines([("id", str(stream)), ("token", token.reveal())])
        note("the token is not shown again")


@app.command()
def revoke(
    token_id: TokenId,
    *,
    at_version: AtVersion = None,
    yes: Yes = False,
    reason: Reason = None,
    as_json: Json = False,
) -> None:
    """Revoke an initial access token: it registers no more clients. Those that it registered stay.

    Example: `muniment initial-tokens revoke 0199f3a5-7c1e-7d0a-9b43-2f6f0d1c8e55`
    """
    stream = _stream(token_id)
    confirm(f"Revoke the initial access token {token_id}?", yes=yes, otherwise="nothing was revoked")
    meta, command = by_operator(reason), RevokeInitialAccessToken(by=OPERATOR, at=utc_now())

    async def revoked(ledger: Ledger, _settings: Settings) -> None:
        try:
            await handle(ledger, INITIAL_ACCESS_TOKEN, stream, command, meta, only_at=only_at(at_version))
        except VersionMismatch as fault:
            raise changed(token_id, "initial-tokens", fault) from fault

    with_ledger(revoked)
    if as_json:
        document({"id": token_id, "state": "revoked"})
    else:
        say(f"{token_id} is revoked.")


def _stream(token_id: str) -> UUID:
    """Raises Plainly."""
    stream = uuid_of(token_id)
    if stream is None:
        raise Plainly(f"{token_id} is no id of an initial access token; muniment initial-tokens list has them.")
    return stream


async def _listed(connection: Connection, owner: str | None, limit: int, as_of: str | None) -> list[Row]:
    if as_of is None:
        return list(await listed(connection, owner=owner, after=None, limit=limit))
    then = await past(connection, as_of)
    return await then.listed(initial_access_token_history.HISTORY, initial_access_token_history.filters(owner), limit)


def _row(row: Row) -> dict[str, Any]:
    """Of the token, its hint; never its hash."""
    told = {name: getattr(row, name) for name in row.__struct_fields__ if name not in ("stream_id", "hash")}
    return {"id": row.stream_id, **told}


def _cells(row: Row) -> tuple[str, ...]:
    return (
        *(str(row.stream_id), row.name, row.hint, row.owner, " ".join(row.scopes), "yes" if row.machines else "no"),
        *(f"{row.used} of {row.uses}", row.state, moment(row.expires_at) or "never", moment(row.last_used_at)),
    )

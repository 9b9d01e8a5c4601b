"""muniment trusted-issuers: other servers whose signed tokens are accepted."""

from typing import Annotated, Any
from uuid import UUID

import asyncpg
import typer
from msgspec import to_builtins

from events.database import Connection
from projections import trusted_issuer_history, trusted_issuers
from projections.trusted_issuers import Row
from service.cli import trust_text
from service.cli.as_of import AsOf, past, present
from service.cli.histories import Diff, tell_all
from service.cli.json_file import read_json
from service.cli.ledger import Yes, confirm, say_state, with_ledger
from service.cli.list_options import Limit
from service.cli.opening import Plainly, ask, by_operator
from service.cli.output import Json, document, lines, moment, note, say, table
from service.cli.reason_option import Reason
from service.cli.request_fields import done, fields_from
from service.cli.trusted_issuer_edit import OPTIONS, Issuer, KeysFile, Many, edit, row_of
from service.clock import utc_now
from service.commands.handle import TRUSTED_ISSUER, Handled, Ledger, handle
from service.commands.trusted_issuer import (
    DeleteTrustedIssuer,
    DisableTrustedIssuer,
    EnableTrustedIssuer,
    RegisterTrustedIssuer,
    TrustedIssuerCommand,
)
from service.configuration.settings import Settings
from service.crypto.credentials import new_id

app = typer.Typer()

Purposes = Annotated[
    list[str],
    typer.Option(
        "--purpose",
        metavar="PURPOSE",
        help="workload, id_jag, software_statement or subject_token; repeatable.",
        show_default=False,
    ),
]


@app.command("list")
def list_trusted_issuers(*, limit: Limit = 100, as_of: AsOf = None, as_json: Json = False) -> None:
    """List the trusted issuers, oldest first.

    Example: `muniment trusted-issuers list --as-of 2026-03-03`
    """
    rows = ask(lambda connection: _listed(connection, limit + 1, as_of))
    if as_json:
        document([_shown(row) for row in rows[:limit]])
    else:
        table(("issuer", "name", "for", "keys", "state", "created"), map(_cells, rows[:limit]))
    if len(rows) > limit:
        note(f"there are more than these {limit}; --limit shows more of them")


@app.command()
def show(issuer: Issuer, as_of: AsOf = None, as_json: Json = False) -> None:
    """Show what is accepted of a trusted issuer.

    Example: `muniment trusted-issuers show https://idp.example.com`
    """
    row = ask(lambda connection: _found(connection, issuer, as_of))
    if as_json:
        document(_shown(row))
        return
    trust = row.trust
    lines(
        [
            *(("issuer", row.issuer), ("id", str(row.stream_id)), ("name", trust.name), ("state", row.state)),
            *(("for", " ".join(trust.purposes)), ("keys", trust_text.keys(trust.keys))),
            *(("algorithms", " ".join(trust.algorithms)), ("audiences", " ".join(trust.audiences) or "this server")),
            ("registers users", "yes" if trust.provisions else "no"),
            *(("created", moment(row.created_at)), ("version", str(row.version))),
        ]
    )


@app.command()
def history(issuer: Issuer, *, diff: Diff = False, as_json: Json = False) -> None:
    """Show what happened to a trusted issuer, each time that it was trusted: what, by whom, when.

    With --json, one event a line, with the sentence under "told", and with --diff the fields under "changes".

    Example: `muniment trusted-issuers history https://idp.example.com --diff`
    """
    streams = ask(lambda connection: _streams(connection, issuer))
    none = f"There never was a trusted issuer {issuer}."
    tell_all(trusted_issuers.TABLE, streams, none=none, diff=diff, script=as_json)


@app.command()
def create(
    issuer: Issuer,
    *,
    purpose: Purposes,
    name: Annotated[str | None, typer.Option("--name", metavar="TEXT", show_default=False)] = None,
    jwks_uri: Annotated[str | None, typer.Option("--jwks-uri", metavar="URL", show_default=False)] = None,
    jwks: KeysFile = None,
    alg: Annotated[Many, typer.Option("--alg", metavar="ALG", help="Repeatable.", show_default=False)] = None,
    audience: Annotated[
        Many, typer.Option("--audience", metavar="TEXT", help="Repeatable.", show_default=False)
    ] = None,
    provisions: Annotated[
        bool, typer.Option("--provisions", help="Register users of its assertions who are unknown here.")
    ] = False,
    reason: Reason = None,
    as_json: Json = False,
) -> None:
    """Trust an issuer, and print its id. Without --jwks-uri and --jwks, its metadata says where its keys are.

    Example: `muniment trusted-issuers create https://token.actions.githubusercontent.com --purpose workload --alg RS256`
    """
    from service.endpoints import trusted_issuer_schemas  # noqa: PLC0415 - its libraries take ten megabytes

    given: dict[str, Any] = {
        "issuer": issuer,
        "name": name or issuer[:100],
        "purposes": purpose,
        "jwksUri": jwks_uri,
        "jwks": None if jwks is None else read_json(jwks),
        "audiences": audience or [],
        "provisions": provisions,
        **({"algorithms": alg} if alg else {}),
    }
    meta, stream = by_operator(reason), new_id()

    async def created(ledger: Ledger, settings: Settings) -> None:
        fields = fields_from(trusted_issuer_schemas.CreateTrustedIssuerRequest, given)
        trusted_issuer_schemas.check_new(fields, settings.issuer, settings.insecure_http_hosts)
        asked = done(fields, OPTIONS)
        trust = trusted_issuer_schemas.trust_of(asked)
        command = RegisterTrustedIssuer(issuer=issuer, trust=trust, at=utc_now())
        try:
            await handle(ledger, TRUSTED_ISSUER, stream, command, meta, fresh=True)
        except asyncpg.UniqueViolationError as fault:
            raise Plainly(f"{issuer} is trusted already; muniment trusted-issuers show has it.") from fault

    with_ledger(created)
    if as_json:
        document({"id": str(stream), "issuer": issuer})
    else:
        say(str(stream))


app.command()(edit)


@app.command()
def disable(issuer: Issuer, *, reason: Reason = None, as_json: Json = False) -> None:
    """Accept nothing of a trusted issuer until it is enabled. What its assertions brought is inactive meanwhile.

    Example: `muniment trusted-issuers disable https://idp.example.com`
    """
    say_state(issuer, "disabled", _change(issuer, DisableTrustedIssuer(), reason), field="issuer", as_json=as_json)


@app.command()
def enable(issuer: Issuer, *, reason: Reason = None, as_json: Json = False) -> None:
    """Accept the tokens of a disabled issuer again.

    Example: `muniment trusted-issuers enable https://idp.example.com`
    """
    say_state(issuer, "active", _change(issuer, EnableTrustedIssuer(), reason), field="issuer", as_json=as_json)


@app.command()
def delete(issuer: Issuer, *, yes: Yes = False, reason: Reason = None, as_json: Json = False) -> None:
    """Stop trusting an issuer.

    Example: `muniment trusted-issuers delete https://idp.example.com --yes`
    """
    meta = by_operator(reason)

    async def deleted(ledger: Ledger, _settings: Settings) -> None:
        row = await row_of(ledger, issuer)
        confirm(f"Trust {issuer} ({row.trust.name}) no more?", yes=yes, otherwise="nothing was deleted")
        await handle(ledger, TRUSTED_ISSUER, row.stream_id, DeleteTrustedIssuer(), meta)

    with_ledger(deleted)
    if as_json:
        document({"issuer": issuer, "state": "deleted"})
    else:
        say(f"{issuer} is deleted.")


def _change(issuer: str, command: TrustedIssuerCommand, reason: str | None) -> Handled:
    meta = by_operator(reason)

    async def changed(ledger: Ledger, _settings: Settings) -> Handled:
        row = await row_of(ledger, issuer)
        return await handle(ledger, TRUSTED_ISSUER, row.stream_id, command, meta)

    return with_ledger(changed)


async def _listed(connection: Connection, limit: int, as_of: str | None) -> list[Row]:
    if as_of is None:
        return list(await trusted_issuers.listed(connection, after=None, limit=limit))
    return await (await past(connection, as_of)).listed(trusted_issuer_history.HISTORY, {}, limit)


async def _streams(connection: Connection, issuer: str) -> list[UUID]:
    """Each time that it is trusted is a stream."""
    await (await present(connection)).reach(trusted_issuer_history.HISTORY)
    return await trusted_issuer_history.streams_named(connection, issuer)


async def _found(connection: Connection, issuer: str, as_of: str | None) -> Row:
    rows = await _listed(connection, 1000, as_of) if as_of else [await trusted_issuers.named(connection, issuer)]
    row = next((each for each in rows if each is not None and each.issuer == issuer), None)
    if row is None:
        raise Plainly(f"There {'was' if as_of else 'is'} no trusted issuer {issuer}.")
    return row


def _shown(row: Row) -> dict[str, Any]:
    from service.endpoints.trusted_issuers import shown  # noqa: PLC0415 - its libraries take ten megabytes

    return to_builtins(shown(row))


def _cells(row: Row) -> tuple[str, ...]:
    trust = row.trust
    return (
        *(row.issuer, trust.name, " ".join(trust.purposes), trust_text.keys(trust.keys)),
        *(row.state, moment(row.created_at)),
    )

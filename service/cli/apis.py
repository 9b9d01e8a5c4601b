"""muniment apis: what tokens can be for (resource servers), each with its own scopes."""

from typing import Annotated, Any
from uuid import UUID

import typer
from msgspec import UNSET, to_builtins

from events.api import stream_of
from events.database import Connection, read
from events.ids import api_stream
from projections import api_history, apis
from projections.apis import Row
from service.cli import api_edit
from service.cli.api_edit import (
    OPTIONS,
    AnyClient,
    ApiScopes,
    Claims,
    Dpop,
    Introspectors,
    Lifetime,
    Mtls,
    Name,
    TokenAlg,
    Words,
)
from service.cli.as_of import AsOf, past
from service.cli.histories import Diff, tell_all
from service.cli.ledger import AtVersion, Yes, changed, confirm, only_at, with_ledger
from service.cli.list_options import Limit
from service.cli.opening import Plainly, ask, by_operator
from service.cli.output import Json, document, lines, moment, note, say, table
from service.cli.reason_option import Reason
from service.cli.request_fields import done, fields_of, flag
from service.clock import utc_now
from service.commands.api import DeleteApi, RegisterApi
from service.commands.handle import API, Ledger, handle
from service.configuration.settings import Settings
from service.endpoints import api_forms, api_schemas
from service.endpoints.api_schemas import ChangeApiRequest, CreateApiRequest
from service.oauth.targets import Known
from service.reactions import api_deletion
from service.refusals import Contradiction, DoesNotExist, VersionMismatch
from service.values.text import counted

app = typer.Typer()

ApiNamed = Annotated[str, typer.Argument(metavar="API", help="Its identifier, or its id (api_…).", show_default=False)]
Identifier = Annotated[
    str, typer.Argument(metavar="IDENTIFIER", help="Any absolute URI without a fragment.", show_default=False)
]


@app.command("list")
def list_apis(*, limit: Limit = 100, as_of: AsOf = None, as_json: Json = False) -> None:
    """List the registered APIs. The default audience and the management API need no registration.

    Example: `muniment apis list --as-of 2026-03-03`
    """
    rows = ask(lambda connection: _listed(connection, limit + 1, as_of))
    if as_json:
        document([_row(row) for row in rows[:limit]])
    else:
        table(("identifier", "name", "scopes", "any client", "created", "id"), map(_cells, rows[:limit]))
    if len(rows) > limit:
        note(f"there are more than these {limit}; --limit shows more of them")


@app.command()
def show(api: ApiNamed, as_of: AsOf = None, as_json: Json = False) -> None:
    """Show an API, with its scopes and settings.

    Example: `muniment apis show https://crm.example.com`
    """
    row = ask(lambda connection: _found(connection, api, as_of))
    if as_json:
        document(_row(row))
        return
    terms = row.terms
    lines(
        [
            *(("identifier", row.identifier), ("name", terms.name), ("id", row.api_id)),
            *(
                (f"scope {scope.name}", "; ".join(f"{lang}: {said}" for lang, said in scope.words.items()))
                for scope in terms.scopes
            ),
            ("tokens", f"{terms.access_token_alg or 'usual algorithm'}, {_lifetime(terms.token_lifetime)}"),
            ("bound by", ", ".join(_bound(row)) or "nothing needed"),
            ("claims", " ".join(terms.claims) or "none"),
            ("introspectors", " ".join(terms.introspectors) or "none"),
            ("any client", "yes" if terms.any_client else "no"),
            ("version", str(row.version)),
        ]
    )


@app.command()
def history(api: ApiNamed, *, diff: Diff = False, as_json: Json = False) -> None:
    """Show what happened to an API, also to a deleted one: what, by whom, when. Which clients were granted it, their histories say.

    With --json, one event a line, with the sentence under "told", and with --diff the fields under "changes".

    Example: `muniment apis history https://crm.example.com --diff`
    """
    tell_all(apis.TABLE, [_stream(api)], none=f"There never was an API {api}.", diff=diff, script=as_json)


@app.command()
def create(
    identifier: Identifier,
    *,
    name: Name = None,
    scope: ApiScopes = None,
    words: Words = None,
    access_token_alg: TokenAlg = None,
    lifetime: Lifetime = None,
    dpop: Dpop = None,
    mtls: Mtls = None,
    claim: Claims = None,
    introspector: Introspectors = None,
    any_client: AnyClient = None,
    reason: Reason = None,
    as_json: Json = False,
) -> None:
    """Register an API. From then on only clients that are granted it (clients edit --add-api) get tokens for it.

    Example: `muniment apis create https://crm.example.com --name CRM --scope "crm:read=Read your contacts"`
    """
    scopes, claims, introspectors = api_edit.scopes_of(scope, words, None), claim or [], introspector or []
    alg, seconds = api_edit.alg_of(access_token_alg), api_edit.lifetime_of(lifetime)
    asked = CreateApiRequest(
        identifier=identifier,
        name=name or identifier[:100],
        scopes={} if scopes is UNSET else scopes,
        access_token_signed_response_alg=None if alg is UNSET else alg,
        access_token_lifetime=None if seconds is UNSET else seconds,
        dpop_required=dpop == "yes",
        mtls_required=mtls == "yes",
        access_token_claims=claims,
        introspectors=introspectors,
        any_client=any_client == "yes",
    )
    meta = by_operator(reason)

    async def created(ledger: Ledger, settings: Settings) -> Row:
        fields = fields_of(asked)
        api_schemas.check_new(fields, Known(issuer=settings.issuer, audience=settings.audience))
        await api_forms.check(ledger.pool, fields)
        await api_edit.check_introspectors(ledger.pool, fields)
        terms = api_schemas.terms_of(done(fields, OPTIONS))
        await api_deletion.finish(ledger, identifier, meta)
        try:
            await handle(
                ledger, API, stream_of(identifier), RegisterApi(identifier=identifier, terms=terms, at=utc_now()), meta
            )
        except Contradiction as fault:
            raise Plainly(f"There is an API {identifier} already; muniment apis edit changes it.") from fault
        return await _row_of(ledger, identifier)

    row = with_ledger(created)
    if as_json:
        document({"id": row.api_id, "identifier": identifier})
    else:
        say(row.api_id)


@app.command()
def edit(
    api: ApiNamed,
    *,
    name: Name = None,
    scope: ApiScopes = None,
    words: Words = None,
    access_token_alg: TokenAlg = None,
    lifetime: Lifetime = None,
    dpop: Dpop = None,
    mtls: Mtls = None,
    claim: Claims = None,
    introspector: Introspectors = None,
    any_client: AnyClient = None,
    at_version: AtVersion = None,
    reason: Reason = None,
    as_json: Json = False,
) -> None:
    """Change an API's settings. Only the named ones change. A scope that is no longer in the list is in no token any more.

    Example: `muniment apis edit https://crm.example.com --lifetime 600 --dpop yes`
    """
    asked = ChangeApiRequest(
        name=UNSET if name is None else name,
        access_token_signed_response_alg=api_edit.alg_of(access_token_alg),
        access_token_lifetime=api_edit.lifetime_of(lifetime),
        dpop_required=flag(dpop),
        mtls_required=flag(mtls),
        access_token_claims=api_edit.listed(claim),
        introspectors=api_edit.listed(introspector),
        any_client=flag(any_client),
    )
    if asked == ChangeApiRequest() and scope is None and not words:
        raise Plainly("say what to change; --help has the options")
    meta = by_operator(reason)

    async def edited(ledger: Ledger, _settings: Settings) -> Row:
        before = await _row_of(ledger, api)
        fields = fields_of(_with_scopes(asked, scope, words, before))
        api_schemas.check(fields)
        await api_edit.check_introspectors(ledger.pool, fields)
        command = api_schemas.change_of(done(fields, OPTIONS))
        try:
            await handle(ledger, API, before.stream_id, command, meta, only_at=only_at(at_version or before.version))
        except VersionMismatch as fault:
            raise changed(api, "apis", fault) from fault
        return await _row_of(ledger, api)

    row = with_ledger(edited)
    if as_json:
        document(_row(row))
    else:
        say(f"{row.identifier} is at version {row.version}.")


@app.command()
def delete(api: ApiNamed, *, yes: Yes = False, reason: Reason = None, as_json: Json = False) -> None:
    """Delete an API, and withdraw it from all clients. Tokens that were issued for it stay valid until they expire.

    Example: `muniment apis delete https://crm.example.com --yes`
    """
    meta = by_operator(reason)

    async def deleted(ledger: Ledger, _settings: Settings) -> tuple[Row, int]:
        row = await _row_of(ledger, api)
        confirm(f"Delete the API {row.identifier} ({row.terms.name})?", yes=yes, otherwise="nothing was deleted")
        try:
            handled = await handle(ledger, API, row.stream_id, DeleteApi(), meta)
        except DoesNotExist as fault:
            raise _no_api(api) from fault
        after = meta.__replace__(cause=handled.position)
        return row, await api_deletion.withdraw(ledger, row.identifier, after)

    row, number = with_ledger(deleted)
    if as_json:
        document({"id": row.api_id, "identifier": row.identifier, "state": "deleted", "clients": number})
    else:
        say(f"{row.identifier} is deleted, and withdrawn from {counted(number, 'client')}.")


def _with_scopes(
    asked: ChangeApiRequest, scope: list[str] | None, words: list[str] | None, before: Row
) -> ChangeApiRequest:
    return asked.__replace__(scopes=api_edit.scopes_of(scope, words, before.terms))


async def _listed(connection: Connection, limit: int, as_of: str | None) -> list[Row]:
    if as_of is None:
        return list(await apis.listed(connection, after=None, limit=limit))
    return await (await past(connection, as_of)).listed(api_history.HISTORY, api_history.filters(), limit)


async def _found(connection: Connection, api: str, as_of: str | None) -> Row:
    if as_of is None:
        row = await apis.find(connection, _stream(api))
    else:
        row = await (await past(connection, as_of)).find(api_history.HISTORY, _stream(api))
    if row is None or row.state == "deleted":
        raise _no_api(api)
    return row


async def _row_of(ledger: Ledger, api: str) -> Row:
    row = await read(ledger.pool, lambda connection: apis.find(connection, _stream(api)))
    if row is None:
        raise _no_api(api)
    return row


def _stream(api: str) -> UUID:
    return api_stream(api) or stream_of(api)


def _no_api(api: str) -> Plainly:
    return Plainly(f"There is no API {api}. muniment apis list has those that there are.")


def _row(row: Row) -> dict[str, Any]:
    terms: dict[str, Any] = to_builtins(row.terms)
    scopes = {scope.name: scope.words for scope in row.terms.scopes}
    return {
        "id": row.api_id,
        "identifier": row.identifier,
        **terms,
        "scopes": scopes,
        "created_at": row.created_at,
        "version": row.version,
    }


def _cells(row: Row) -> tuple[str, ...]:
    terms = row.terms
    scopes = " ".join(scope.name for scope in terms.scopes)
    return row.identifier, terms.name, scopes, "yes" if terms.any_client else "no", moment(row.created_at), row.api_id


def _lifetime(seconds: int | None) -> str:
    return "usual lifetime" if seconds is None else f"{seconds} s at most"


def _bound(row: Row) -> list[str]:
    return [name for name, needed in (("DPoP", row.terms.dpop_required), ("mTLS", row.terms.mtls_required)) if needed]

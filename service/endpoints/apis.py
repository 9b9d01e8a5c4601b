"""/api/v1/auth/apis: what tokens can be for. Operators say which, and with which scopes."""

from typing import Any
from uuid import UUID

from starlette.responses import Response

from events.api import stream_of
from events.database import read
from events.ids import api_id_of, api_stream
from events.log import Receipt
from projections import api_history, apis
from projections.apis import Row
from service.clock import utc_now
from service.commands.api import DeleteApi, RegisterApi
from service.commands.handle import API, Handled, handle
from service.endpoints import api_forms, api_schemas, as_of, if_match
from service.endpoints.api_schemas import Api, ChangeApiRequest, CreateApiRequest
from service.endpoints.built_in_apis import built_in
from service.endpoints.call import Call
from service.endpoints.clients import position
from service.endpoints.fields import Fields
from service.endpoints.idempotent_create import create
from service.endpoints.responses import answered
from service.problems import Clash, NotFound
from service.reactions import api_deletion

PATH = "/api/v1/auth/apis"
NONE = "There is no API with this id."
SETTINGS_MAKE_IT = "This is one of the server's own APIs, which its settings make (MUNIMENT_AUDIENCE, MUNIMENT_ISSUER)."


async def register(call: Call) -> Response:
    fields = Fields(CreateApiRequest, call.content_type, call.body)
    api_schemas.check_new(fields, call.resources.known)
    await api_forms.check(call.resources.ledger.pool, fields)
    await _check_introspectors(call, fields)
    asked = fields.done()
    stream, command = (
        stream_of(asked.identifier),
        RegisterApi(identifier=asked.identifier, terms=api_schemas.terms_of(asked), at=utc_now()),
    )
    row = Row(
        stream_id=stream,
        identifier=asked.identifier,
        terms=command.terms,
        state="active",
        created_at=command.at,
        version=1,
    )

    async def carry_out(receipt: Receipt | None) -> Handled:
        ledger = call.resources.ledger
        await api_deletion.finish(ledger, asked.identifier, call.meta)
        return await handle(ledger, API, stream, command, call.meta, receipt=receipt)

    async def is_there(_: str) -> bool:
        return await read(call.resources.ledger.pool, lambda c: apis.find(c, stream)) is not None

    return await create(call, shown(row), f"{PATH}/{row.api_id}", carry_out, is_there)


async def list_apis(call: Call) -> Response:
    """The server's own come first. They are no part of the past, because no event has made them."""
    page = await as_of.page_asked(call, ("identifier",))
    identifier = page.filters.get("identifier")
    wanted = None if identifier is None else stream_of(identifier)
    found = await as_of.page_of(
        call,
        PATH,
        page,
        lambda connection, most: apis.listed(connection, stream=wanted, after=page.after, limit=most),
        history=api_history.HISTORY,
        filters=api_history.filters(wanted),
    )
    own = built_in(call.resources.settings).values() if page.after is None and page.position is None else ()
    first = [each for each in own if identifier in (None, each.identifier)]
    return answered([*first, *map(shown, found.rows)], headers=found.headers)


async def read_api(call: Call) -> Response:
    then, given = await as_of.asked(call), call.request.path_params["api_id"]
    if then is None and (own := built_in(call.resources.settings).get(given)) is not None:
        return answered(own)
    stream = stream_asked(call)
    if then is None:
        return await _shown(call, stream)
    row = await as_of.find(call, api_history.HISTORY, stream, then)
    if row is None or row.state == "deleted":
        raise NotFound(f"There was no API with this id at position {then} of the log.")
    return answered(shown(row), headers=as_of.headers(then))


async def change_api(call: Call) -> Response:
    only_at = if_match.versions(call, required=True)
    fields = Fields(ChangeApiRequest, call.content_type, call.body)
    api_schemas.check(fields)
    await _check_introspectors(call, fields)
    command, stream = api_schemas.change_of(fields.done()), _to_change(call)
    return await _shown(
        call, stream, await handle(call.resources.ledger, API, stream, command, call.meta, only_at=only_at)
    )


async def delete_api(call: Call) -> Response:
    only_at, stream, ledger = if_match.versions(call), _to_change(call), call.resources.ledger
    row = await read(ledger.pool, lambda connection: apis.find(connection, stream))
    handled = await handle(ledger, API, stream, DeleteApi(), call.meta, only_at=only_at)
    if row is not None:
        await api_deletion.withdraw(ledger, row.identifier, call.meta.__replace__(cause=handled.position))
    return Response(status_code=204, headers=position(handled))


def stream_asked(call: Call) -> UUID:
    """Return the stream of the API in the path. Raises NotFound."""
    stream = api_stream(call.request.path_params["api_id"])
    if stream is None:
        raise NotFound(NONE)
    return stream


def _to_change(call: Call) -> UUID:
    if call.request.path_params["api_id"] in built_in(call.resources.settings):
        raise Clash(SETTINGS_MAKE_IT)
    return stream_asked(call)


async def _check_introspectors(call: Call, fields: Fields[Any]) -> None:
    """Report each that is no confidential client: a public client cannot authenticate where tokens are introspected."""
    for number, client_id in enumerate(fields.good("introspectors") or ()):
        seen = await call.resources.lookup.named(client_id)
        if seen is None or seen.client.public:
            fields.fault("introspectors", f"[{number}] is no confidential client of this server")


async def _shown(call: Call, stream: UUID, handled: Handled | None = None) -> Response:
    row = await read(call.resources.ledger.pool, lambda connection: apis.find(connection, stream))
    if row is None:
        raise NotFound(NONE)
    return answered(shown(row), headers={"ETag": f'"{row.version}"', **(position(handled) if handled else {})})


def shown(row: Row) -> Api:
    terms = row.terms
    return Api(
        id=api_id_of(row.stream_id),
        identifier=row.identifier,
        name=terms.name,
        scopes={scope.name: scope.words for scope in terms.scopes},
        access_token_signed_response_alg=terms.access_token_alg,
        access_token_lifetime=terms.token_lifetime,
        dpop_required=terms.dpop_required,
        mtls_required=terms.mtls_required,
        access_token_claims=list(terms.claims),
        introspectors=list(terms.introspectors),
        any_client=terms.any_client,
        built_in=False,
        created_utc=row.created_at,
    )

"""/api/v1/audit/tokens: the tokens that a secret, a client, a bot, a user, an authorization or a signing key got."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
from msgspec import Struct, json
from starlette.responses import Response

from events.database import read
from events.ids import client_id_of
from events.issuance import NO_SECRET, decode
from events.issued_token_lists import Conditions
from events.transparency.trees import ISSUANCE
from service.audit import cells
from service.blast_radius.client_keys import credential_of
from service.endpoints import formats, paging, responses, token_search
from service.endpoints.audit import FORMATS, wait
from service.endpoints.audit_query import NOT_BLANK, PAGE, Page, client_of, named, page_of, uuid, value
from service.endpoints.call import Call
from service.provenance import token_states
from service.provenance.token_states import State, TokenState
from service.refusals import DoesNotExist

TOKENS_PATH = "/api/v1/audit/tokens"
FILTERS = (
    "client",
    "secret",
    "bot",
    "subject",
    "user",
    "authorization",
    "key",
    "jkt",
    "jti",
    "client_key",
    "subject_token",
)


class AuditToken(Struct, frozen=True, kw_only=True, rename="camel"):
    """An issued token. `position` is one of the issuance log; `secretId` is null for a client without a secret.

    `jkt` is the thumbprint of the key that the token is bound to; null is a bearer token. `state` says whether it can be used now; of a token that was revoked, or whose client was deleted, `stoppedAt` is when.
    """

    position: int
    issued_at: datetime
    client_id: str
    secret_id: UUID | None
    jti: UUID
    sub: str
    scope: str
    kid: str
    expires_at: datetime
    address: str | None
    authorization: UUID | None
    jkt: str | None
    state: State
    stopped_at: datetime | None


class TokenQuery(Struct, frozen=True, kw_only=True):
    jti: UUID | None
    conditions: Conditions
    page: Page


async def list_tokens(call: Call) -> Response:
    asked = await _asked(call)
    media = formats.chosen(call.request.headers.get("accept"), FORMATS)
    if token_search.needs_the_feed(asked.conditions):
        await wait(call)
    page, pool = asked.page, call.resources.ledger.pool
    found = await read(pool, lambda c: token_search.tokens(c, asked.jti, asked.conditions, page))
    rows = page.in_order(found.rows)
    states = await read(pool, lambda c: token_states.states(c, rows))
    onward = found.rows[page.limit - 1]["position"] if len(found.rows) > page.limit else found.edge
    headers = {"Vary": "Accept", **page.links(f"{call.resources.settings.issuer}{TOKENS_PATH}", onward)}
    return responses.Found(
        _body(media, [_token(row, state) for row, state in zip(rows, states, strict=True)]), len(rows), headers, media
    )


async def _asked(call: Call) -> TokenQuery:
    """Raises Invalid, which names every fault at once."""
    query = paging.read(call.request.scope, (*FILTERS, *PAGE))
    conditions = Conditions(
        client=await client_of(call, query),
        secret=value(query, "secret", uuid, "must be the id of a secret (a UUID)"),
        authorization=value(query, "authorization", uuid, "must be the id of an authorization (a UUID)"),
        key=value(query, "key", named, NOT_BLANK),
        jkt=value(query, "jkt", named, NOT_BLANK),
        subject=value(query, "subject", named, NOT_BLANK),
        user=value(query, "user", uuid, "must be the id of a user (a UUID)"),
        bot=value(query, "bot", named, NOT_BLANK),
        subject_token=value(query, "subject_token", uuid, "must be the jti of the token that was exchanged (a UUID)"),
    )
    conditions = await _of_client_key(call, query, conditions)
    jti = value(query, "jti", uuid, "must be the jti of a token (a UUID)")
    asked = TokenQuery(jti=jti, conditions=conditions, page=await page_of(call, query, ISSUANCE))
    paging.refuse(query)
    return asked


async def _of_client_key(call: Call, query: paging.Query, found: Conditions) -> Conditions:
    """Return the conditions with the id of the key of the client, if one is asked for. Its fault is added to those of the query."""
    text, client = value(query, "client_key", named, NOT_BLANK), found.client
    if text is None:
        return found
    if client is None or found.secret is not None:
        query.fault("client_key", "needs the client whose key it is, and no secret")
        return found
    try:
        secret = await read(call.resources.ledger.pool, lambda connection: credential_of(connection, client, text))
    except DoesNotExist as fault:
        query.fault("client_key", f"names nothing: {fault}")
        return found
    return found.__replace__(secret=secret)


def _token(row: asyncpg.Record, found: TokenState) -> AuditToken:
    token = decode(row["data"])
    return AuditToken(
        position=row["position"],
        issued_at=row["issued_at"],
        client_id=client_id_of(row["client"]),
        secret_id=None if row["secret"] == NO_SECRET else row["secret"],
        jti=row["jti"],
        sub=token.sub,
        scope=token.scope,
        kid=token.kid,
        expires_at=datetime.fromtimestamp(token.exp, UTC),
        address=token.address,
        authorization=token.authorization,
        jkt=token.jkt,
        state=found.state,
        stopped_at=found.stopped_at,
    )


def _body(media: str, tokens: Sequence[AuditToken]) -> bytes:
    if media == formats.JSON:
        return json.encode(tokens)
    if media == formats.NDJSON:
        return json.Encoder().encode_lines(tokens)
    rows = (json.decode(json.encode(token), type=dict[str, str | int | None]) for token in tokens)
    header = cells.line(AuditToken.__struct_encode_fields__)
    return (header + "".join(cells.line("" if v is None else str(v) for v in row.values()) for row in rows)).encode()

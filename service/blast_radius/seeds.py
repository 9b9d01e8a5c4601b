"""What a text names, so that a walk can begin there: it is looked up in the log, unless its form says it."""

from uuid import UUID

from events import issued_tokens
from events.client import ClientRegistered
from events.codec import Recorded
from events.database import AnyConnection
from events.extent import Extent
from events.ids import bot_stream, client_stream, is_ours
from events.issuance import decode
from events.replay import COLUMNS, head, pages, recorded
from events.trusted_issuer import TrustedIssuerRegistered
from projections import audit_events, signing_keys, trusted_issuers
from projections.audit_events import Wanted
from projections.engine import checkpoints
from service.blast_radius.client_keys import credential_of
from service.blast_radius.consequences import client_node, credential_node, issuer_node
from service.blast_radius.graph import Kind, Node
from service.refusals import DoesNotExist
from service.values.text import printable
from service.values.uuids import uuid_of

ACTOR = "actor:"
FIRST = f"select {COLUMNS} from log.events where stream_id = $1 and version = 1"
ACTS_FOR = """
select exists (select from read.clients where bot_user_id = $1) or exists (select from read.audit_events where bot = $1)
"""
"""Whether a client acts as this bot, or did: it may be one of the surrounding product's own directory."""

ACTED = "select exists (select from read.audit_events where actor = $1)"
MOST_LATELY = 1000

USER_OF = """
select user_id from read.sessions where stream_id = $1 union all select user_id from read.authorizations where stream_id = $1
"""

KINDS: dict[str, Kind] = {
    "user": "user",
    "session": "session",
    "authorization": "authorization",
    "trusted_issuer": "issuer",
}
MOST_ISSUERS = 1000
"""The trusted issuers, also deleted ones, among which an identifier is looked for: the latest."""


async def named(connection: AnyConnection, text: str, client_key: str | None = None) -> Node:
    """Return the node of an id, or of the key of the client with this id. Raises DoesNotExist."""
    origin = await _named(connection, text)
    if client_key is None:
        return origin
    stream = client_stream(origin.id) if origin.kind == "client" else None
    if stream is None:
        raise DoesNotExist("Only a client has keys: send its client_id with the kid or thumbprint of the key.")
    return credential_node(await credential_of(connection, stream, client_key))


async def _named(connection: AnyConnection, text: str) -> Node:
    """`actor:NAME` is an operator or a `sub`. Raises DoesNotExist."""
    if text.startswith(ACTOR):
        return await _actor(connection, text.removeprefix(ACTOR))
    if bot_stream(text) is not None:
        return Node("bot", text)
    if is_ours(text):
        return Node("client", text)
    uuid = uuid_of(text)
    found = None if uuid is None else await _of_uuid(connection, uuid)
    if found is not None:
        return found
    if any(row.kid == text for row in await signing_keys.every(connection)):
        return Node("signingKey", text)
    stream = client_stream(text)
    if uuid is None and stream is not None and await connection.fetchrow(FIRST, stream) is not None:
        return Node("client", text)
    if uuid is None and ":" in text and (issuer := await _issuer(connection, text)) is not None:
        return issuer
    if await connection.fetchval(ACTS_FOR, text):
        return Node("bot", text)
    raise DoesNotExist(
        "There is nothing with this id: send the id of a client, secret, bot, user, session, authorization, token or trusted issuer, a kid, the"
        " identifier of a trusted issuer, or actor:NAME."
    )


async def _issuer(connection: AnyConnection, identifier: str) -> Node | None:
    """Return the trusted issuer; the last one that had the identifier, if it was deleted."""
    row = await trusted_issuers.named(connection, identifier)
    if row is not None:
        return issuer_node(row.stream_id)
    every = Extent(after=0, upto=2**63 - 1, limit=MOST_ISSUERS, newest_first=True)
    for past in await audit_events.find(connection, Wanted(types=("trusted_issuer.registered",)), every):
        if isinstance(past.event, TrustedIssuerRegistered) and past.event.issuer == identifier:
            return issuer_node(past.stream_id)
    return None


async def _actor(connection: AnyConnection, name: str) -> Node:
    """That nothing follows would sound as if the actor were harmless; it may be a name with a typing error. Raises DoesNotExist."""
    if not await connection.fetchval(ACTED, name) and not await _acted_lately(connection, name):
        raise DoesNotExist(
            f"{ACTOR}{printable(name)} did nothing that was recorded: send the name of an operator, or the sub of a client or user."
        )
    return Node("actor", name)


async def _acted_lately(connection: AnyConnection, name: str) -> bool:
    """Look through what the audit feed does not have yet. If that is more than a page, this is not decided here."""
    live = await checkpoints.live(connection, audit_events.PROJECTION)
    after, upto = 0 if live is None else live.position, (await head(connection)).position
    entries = await anext(pages(connection, after=after, upto=upto, size=MOST_LATELY), list[Recorded]())
    rows = await audit_events.rows_of(connection, entries)
    return len(rows) == MOST_LATELY or any(name == row.actor for row in rows)


async def _of_uuid(connection: AnyConnection, uuid: UUID) -> Node | None:
    """A secret has no stream, and a token only when it was revoked. Any other UUID may be a secret; one that never was leads nowhere."""
    row = await connection.fetchrow(FIRST, uuid)
    if row is None:
        return Node("secret" if await issued_tokens.find(connection, uuid) is None else "token", str(uuid))
    past = recorded(row)
    if isinstance(past.event, ClientRegistered):
        return client_node(uuid, past.event)
    kind = KINDS.get(past.type.partition(".")[0])
    if past.type == "access_token.revoked":
        return Node("token", str(uuid))
    if past.type.startswith("bot."):
        return Node("bot", f"bot_{uuid.hex}")
    return None if kind is None else Node(kind, str(uuid))


async def user_of(connection: AnyConnection, node: Node) -> UUID | None:
    """Return the user whom the node is about: a user, or the user of a session or an authorization."""
    match node.kind:
        case "user":
            return UUID(node.id)
        case "session" | "authorization":
            return await connection.fetchval(USER_OF, UUID(node.id))
        case "token":
            row = await issued_tokens.find(connection, UUID(node.id))
            authorization = None if row is None else decode(row["data"]).authorization
            return None if authorization is None else await connection.fetchval(USER_OF, authorization)
        case "client" | "secret" | "bot" | "change" | "signingKey" | "actor" | "agent" | "issuer":
            return None

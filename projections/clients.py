"""The lookup table of the token endpoint: one row for each client, in its current state."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast
from uuid import UUID

import asyncpg
from msgspec import UNSET, Struct, json

from events.client import (
    AccessTokenAlg,
    AuthorizationCode,
    By,
    ClientAccessTokenAlgChanged,
    ClientChange,
    ClientCredentials,
    ClientDeleted,
    ClientDisabled,
    ClientDisplayNameChanged,
    ClientEnabled,
    ClientEvent,
    ClientLoginChanged,
    ClientRedirectUrisChanged,
    ClientRegistered,
    ClientRestored,
    ClientScopesChanged,
    Login,
)
from events.client_apis import Apis, ClientApisChanged, GrantedApi
from events.client_document import ClientDocumentSeen, Document
from events.client_key import ClientKeyAdded, ClientKeyExpirySet, ClientKeyRevoked, StoredKey, keys_after
from events.client_registration import ClientAboutChanged, Registration, about_changed
from events.client_secret import (
    ClientSecretAdded,
    ClientSecretExpirySet,
    ClientSecretRehashed,
    ClientSecretRevoked,
    StoredSecret,
    expiring,
    rehashed,
)
from events.client_security import ClientSecurityChanged, Security
from events.codec import tags
from events.database import AnyConnection
from events.ids import client_id_of
from projections.table import Table


class Row(Struct, frozen=True, kw_only=True, gc=False):
    stream_id: UUID
    client_id: str
    owner: str
    grant_type: str
    bot_user_id: str | None
    display_name: str | None
    redirect_uris: tuple[str, ...]
    scopes: tuple[str, ...]
    secrets: Sequence[StoredSecret]
    state: str
    created_at: datetime
    version: int
    public: bool
    login: Login | None
    disabled_by: By | None = None
    access_token_alg: AccessTokenAlg | None = None
    restored: int = 0
    security: Security = Security()
    registration: Registration | None = None
    document: Document | None = None
    apis: Apis = None
    keys: tuple[StoredKey, ...] = ()

    @property
    def self_registered(self) -> Document | Registration | None:
        """Where a client comes from that nobody registered for it; None: its owner or an operator did."""
        return self.document or self.registration


COLUMNS = ", ".join(f"c.{name}" for name in Row.__struct_fields__)
FIND = f"""
select h.last_position as head, {COLUMNS}, b.state as bot_state
  from (select last_position from log.batches order by last_position desc limit 1) as h
  left join read.clients c on c.stream_id = any($1::uuid[]) left join read.bots b on b.bot_id = c.bot_user_id
"""
FILTERS: Mapping[str, str] = {
    "streams": "c.stream_id = any({0}::uuid[])",
    "owner": "c.owner = {0}::text",
    "bot_user_id": "c.bot_user_id = {0}::text",
    "state": "c.state = {0}::text",
    "name": "strpos(lower(c.display_name), lower({0}::text)) > 0",
    "scope": "c.scopes @> array[{0}::text]",
    "expiring_until": "exists (select from jsonb_array_elements(c.secrets) as s where (s ->> 'expires_at')::timestamptz > now()"
    " and (s ->> 'expires_at')::timestamptz <= {0}::timestamptz)",
    "api": "c.apis @> jsonb_build_array(jsonb_build_object('identifier', {0}::text))",
    "text": "(strpos(lower(c.display_name), lower({0}::text)) > 0 or strpos(lower(c.client_id), lower({0}::text)) > 0)",
}
"""The conditions of a list, by the fields of Wanted. A statement has only those that are asked for, so its plan is made for them."""

LIST = f"select {COLUMNS} from read.clients c where true {{conditions}} order by c.stream_id {{order}} limit $1"
OF_API = """
select stream_id, version from read.clients
 where apis @> jsonb_build_array(jsonb_build_object('identifier', $1::text))
    or security @> jsonb_build_object('token_exchange', jsonb_build_array(jsonb_build_object('audiences', jsonb_build_array($1::text))))
"""
OF_OWNER = "select stream_id, version from read.clients where owner = $1 order by stream_id"
OF_BOT = "select stream_id, version from read.clients where bot_user_id = $1 order by stream_id"
OF_DELETED_BOTS = """
select c.stream_id, c.version from read.bots b join read.clients c on c.bot_user_id = b.bot_id where b.state = 'deleted' order by c.stream_id
"""


class Found(Struct, frozen=True, kw_only=True):
    """A client and the state of its bot (None: the bot is not registered here, so its state is not checked)."""

    client: Row
    bot_state: str | None

    @property
    def may_act(self) -> bool:
        return self.client.state == "active" and self.bot_state in (None, "active")


def project(row: Row | None, stream: UUID, event: ClientEvent) -> Row | None:
    """Returns the client's row after the event; None after its deletion."""
    if isinstance(event, ClientRegistered):
        return _registered(stream, event)
    if isinstance(event, ClientRestored):
        return _restored(stream, event)
    return None if row is None else _changed(row.__replace__(version=row.version + 1), event)


def _registered(stream: UUID, event: ClientRegistered) -> Row:
    match event.grant:
        case ClientCredentials(bot_user_id=bot):
            grant_type = "client_credentials"
        case AuthorizationCode(bot_user_id=bot):
            grant_type = "authorization_code"
    return Row(
        stream_id=stream,
        client_id=event.client_id or client_id_of(stream),
        owner=event.owner,
        grant_type=grant_type,
        bot_user_id=bot,
        display_name=event.display_name,
        redirect_uris=event.redirect_uris,
        scopes=event.scopes,
        secrets=(event.secret,) if event.secret else (),
        state="active",
        created_at=event.at,
        version=1,
        public=event.public,
        login=Login() if grant_type == "authorization_code" else None,
        security=event.security or Security(),
        registration=event.registration or None,
        apis=None if event.apis is UNSET else event.apis,
        keys=event.keys or (),
    )


def _restored(stream: UUID, event: ClientRestored) -> Row:
    interactive = isinstance(event.grant, AuthorizationCode)
    return Row(
        stream_id=stream,
        client_id=event.client_id or client_id_of(stream),
        owner=event.owner,
        grant_type="authorization_code" if interactive else "client_credentials",
        bot_user_id=event.grant.bot_user_id,
        display_name=event.display_name,
        redirect_uris=event.redirect_uris,
        scopes=event.scopes,
        secrets=event.secrets,
        state="active" if event.disabled_by is None else "disabled",
        created_at=event.created_at,
        version=event.version,
        public=event.public,
        login=event.login if interactive else None,
        disabled_by=event.disabled_by,
        access_token_alg=event.access_token_alg,
        restored=event.restored,
        security=event.security or Security(),
        registration=event.registration or None,
        document=event.document or None,
        apis=None if event.apis is UNSET else event.apis,
        keys=event.keys or (),
    )


def _changed(row: Row, event: ClientEvent) -> Row | None:
    match event:
        case ClientDisabled():
            held = row.disabled_by == "operator"
            return row.__replace__(state="disabled", disabled_by="operator" if held else event.by)
        case ClientEnabled():
            return row.__replace__(state="active", disabled_by=None)
        case ClientDeleted():
            return None
        case _:
            return _with(row, event)


def _with(row: Row, event: ClientRegistered | ClientRestored | ClientChange) -> Row:
    match event:
        case ClientRegistered() | ClientRestored():
            return row
        case ClientDisplayNameChanged():
            return row.__replace__(display_name=event.display_name)
        case ClientRedirectUrisChanged():
            return row.__replace__(redirect_uris=event.redirect_uris)
        case ClientScopesChanged():
            return row.__replace__(scopes=event.scopes)
        case ClientLoginChanged():
            return row.__replace__(login=event.after(row.login or Login()))
        case ClientAccessTokenAlgChanged():
            return row.__replace__(access_token_alg=event.access_token_alg)
        case ClientSecurityChanged():
            return row.__replace__(security=event.security)
        case ClientAboutChanged():
            return row.__replace__(registration=about_changed(row.registration, event))
        case ClientDocumentSeen():
            return row.__replace__(document=event.document)
        case ClientApisChanged():
            return row.__replace__(apis=event.apis)
        case ClientSecretAdded() | ClientSecretRevoked() | ClientSecretRehashed() | ClientSecretExpirySet():
            return row.__replace__(secrets=_secrets_after(row.secrets, event))
        case ClientKeyAdded() | ClientKeyRevoked() | ClientKeyExpirySet():
            return row.__replace__(keys=keys_after(row.keys, event))


def _secrets_after(
    secrets: Sequence[StoredSecret],
    event: ClientSecretAdded | ClientSecretRevoked | ClientSecretRehashed | ClientSecretExpirySet,
) -> Sequence[StoredSecret]:
    match event:
        case ClientSecretAdded():
            return (*secrets, event.secret)
        case ClientSecretRevoked():
            return tuple(secret for secret in secrets if secret.secret_id != event.secret_id)
        case ClientSecretRehashed():
            return rehashed(secrets, event)
        case ClientSecretExpirySet():
            return expiring(secrets, event)


TABLE = Table(name="clients", row=Row, tags=tags(ClientEvent), project=project)

_login = json.Decoder(Login).decode
_apis = json.Decoder(tuple[GrantedApi, ...]).decode
_security = json.Decoder(Security).decode
_registration = json.Decoder(Registration).decode
_document = json.Decoder(Document).decode
_secrets = json.Decoder(tuple[StoredSecret, ...]).decode
_keys = json.Decoder(tuple[StoredKey, ...]).decode


def row_of(record: asyncpg.Record) -> Row:
    """Returns the client of a record that has COLUMNS."""
    columns: dict[str, Any] = {
        name: tuple(cast("list[str]", value)) if isinstance(value := record[name], list) else value
        for name in Row.__struct_fields__
    }
    columns |= {
        "secrets": _secrets(record["secrets"]),
        "login": record["login"] and _login(record["login"]),
        "security": _security(record["security"]),
        "registration": record["registration"] and _registration(record["registration"]),
        "document": record["document"] and _document(record["document"]),
        "apis": None if record["apis"] is None else _apis(record["apis"]),
        "keys": _keys(record["keys"]),
    }
    return Row(**columns)


async def find_as_of(connection: AnyConnection, streams: Sequence[UUID]) -> tuple[dict[UUID, Found], int]:
    """Returns those of these clients that exist, each with its bot's state, and the position of the log at which this holds."""
    rows = await connection.fetch(FIND, streams)
    found = {
        row["stream_id"]: Found(client=row_of(row), bot_state=row["bot_state"]) for row in rows if row["stream_id"]
    }
    return found, rows[0]["head"]


async def find(connection: AnyConnection, stream: UUID) -> Found | None:
    found, _ = await find_as_of(connection, [stream])
    return found.get(stream)


class Wanted(Struct, frozen=True, kw_only=True):
    """The filters of a list; None matches everything."""

    streams: Sequence[UUID] | None = None
    owner: str | None = None
    after: UUID | None = None
    bot_user_id: str | None = None
    state: str | None = None
    name: str | None = None
    scope: str | None = None
    api: str | None = None
    """The identifier of an API that it is granted."""

    expiring_until: datetime | None = None
    """Of a secret that is live now."""

    text: str | None = None
    """In the name or the client_id."""

    newest_first: bool = False


async def listed(connection: AnyConnection, wanted: Wanted, *, limit: int) -> list[Row]:
    """Returns clients, at most `limit`."""
    given: list[object] = [limit]
    found = conditions(wanted, given)
    if wanted.after is not None:
        given.append(wanted.after)
        found += f" and c.stream_id {'<' if wanted.newest_first else '>'} ${len(given)}::uuid"
    statement = LIST.format(conditions=found, order="desc" if wanted.newest_first else "asc")
    return [row_of(record) for record in await connection.fetch(statement, *given)]


def conditions(wanted: Wanted, given: list[object]) -> str:
    """Returns the conditions that are asked for. Their values are added to those of the statement."""
    found: list[str] = []
    for name, condition in FILTERS.items():
        if (value := getattr(wanted, name)) is not None:
            given.append(value)
            found.append(f"and {condition.format(f'${len(given)}')}")
    return " ".join(found)


class Standing(Struct, frozen=True):
    """A client that exists, and the number of its events."""

    stream_id: UUID
    version: int


async def of_owner(connection: AnyConnection, owner: str) -> list[Standing]:
    return [Standing(*row) for row in await connection.fetch(OF_OWNER, owner)]


async def of_api(connection: AnyConnection, identifier: str) -> list[Standing]:
    """Returns the clients that are granted this API."""
    return [Standing(*row) for row in await connection.fetch(OF_API, identifier)]


async def of_bot(connection: AnyConnection, bot_id: str) -> list[Standing]:
    return [Standing(*row) for row in await connection.fetch(OF_BOT, bot_id)]


async def of_deleted_bots(connection: AnyConnection) -> list[Standing]:
    """Returns the clients of deleted bots that are not deleted themselves yet."""
    return [Standing(*row) for row in await connection.fetch(OF_DELETED_BOTS)]

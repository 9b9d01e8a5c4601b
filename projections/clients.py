"""The lookup table of the token endpoint: one row for each client, in its current state."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast
from uuid import UUID

import asyncpg
from msgspec import Struct, json

from events.client import (
    AccessTokenAlg,
    AuthorizationCode,
    By,
    ClientAccessTokenAlgChanged,
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
from events.client_secret import (
    ClientSecretAdded,
    ClientSecretExpirySet,
    ClientSecretRehashed,
    ClientSecretRevoked,
    StoredSecret,
    expiring,
    rehashed,
)
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


COLUMNS = ", ".join(f"c.{name}" for name in Row.__struct_fields__)
FIND = f"""
select h.last_position as head, {COLUMNS}, b.state as bot_state
  from (select last_position from log.batches order by last_position desc limit 1) as h
  left join read.clients c on c.stream_id = any($1::uuid[]) left join read.bots b on b.bot_id = c.bot_user_id
"""
LIST = f"""
select {COLUMNS} from read.clients c
 where ($1::text is null or c.owner = $1) and ($2::uuid is null or c.stream_id {{after}} $2)
   and ($3::text is null or c.bot_user_id = $3) and ($4::text is null or c.state = $4)
   and ($5::text is null or strpos(lower(c.display_name), lower($5)) > 0) and ($6::text is null or c.scopes @> array[$6])
   and ($7::text is null or strpos(lower(c.display_name), lower($7)) > 0 or strpos(lower(c.client_id), lower($7)) > 0)
 order by c.stream_id {{order}} limit $8
"""
OLDEST_FIRST, NEWEST_FIRST = LIST.format(after=">", order="asc"), LIST.format(after="<", order="desc")
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
        public=event.secret is None,
        login=Login() if grant_type == "authorization_code" else None,
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
    )


def _changed(row: Row, event: ClientEvent) -> Row | None:
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
        case ClientSecretAdded():
            return row.__replace__(secrets=(*row.secrets, event.secret))
        case ClientSecretRevoked():
            return row.__replace__(secrets=tuple(s for s in row.secrets if s.secret_id != event.secret_id))
        case ClientSecretRehashed():
            return row.__replace__(secrets=rehashed(row.secrets, event))
        case ClientSecretExpirySet():
            return row.__replace__(secrets=expiring(row.secrets, event))
        case ClientDisabled():
            held = row.disabled_by == "operator"
            return row.__replace__(state="disabled", disabled_by="operator" if held else event.by)
        case ClientEnabled():
            return row.__replace__(state="active", disabled_by=None)
        case ClientDeleted():
            return None


TABLE = Table(name="clients", row=Row, tags=tags(ClientEvent), project=project)

_login = json.Decoder(Login).decode
_secrets = json.Decoder(tuple[StoredSecret, ...]).decode


def _row(record: asyncpg.Record) -> Row:
    columns: dict[str, Any] = {
        name: tuple(cast("list[str]", value)) if isinstance(value := record[name], list) else value
        for name in Row.__struct_fields__
    }
    columns |= {"secrets": _secrets(record["secrets"]), "login": record["login"] and _login(record["login"])}
    return Row(**columns)


async def find_as_of(connection: AnyConnection, streams: Sequence[UUID]) -> tuple[dict[UUID, Found], int]:
    """Returns those of these clients that exist, each with its bot's state, and the position of the log at which this holds."""
    rows = await connection.fetch(FIND, streams)
    found = {row["stream_id"]: Found(client=_row(row), bot_state=row["bot_state"]) for row in rows if row["stream_id"]}
    return found, rows[0]["head"]


async def find(connection: AnyConnection, stream: UUID) -> Found | None:
    found, _ = await find_as_of(connection, [stream])
    return found.get(stream)


class Wanted(Struct, frozen=True, kw_only=True):
    """The filters of a list; None matches everything."""

    owner: str | None = None
    after: UUID | None = None
    bot_user_id: str | None = None
    state: str | None = None
    name: str | None = None
    scope: str | None = None
    text: str | None = None
    """In the name or the client_id."""

    newest_first: bool = False


async def listed(connection: AnyConnection, wanted: Wanted, *, limit: int) -> list[Row]:
    """Returns clients, at most `limit`."""
    rows = await connection.fetch(
        NEWEST_FIRST if wanted.newest_first else OLDEST_FIRST,
        wanted.owner,
        wanted.after,
        wanted.bot_user_id,
        wanted.state,
        wanted.name,
        wanted.scope,
        wanted.text,
        limit,
    )
    return [_row(row) for row in rows]


class Standing(Struct, frozen=True):
    """A client that exists, and the number of its events."""

    stream_id: UUID
    version: int


async def of_owner(connection: AnyConnection, owner: str) -> list[Standing]:
    return [Standing(*row) for row in await connection.fetch(OF_OWNER, owner)]


async def of_bot(connection: AnyConnection, bot_id: str) -> list[Standing]:
    return [Standing(*row) for row in await connection.fetch(OF_BOT, bot_id)]


async def of_deleted_bots(connection: AnyConnection) -> list[Standing]:
    """Returns the clients of deleted bots that are not deleted themselves yet."""
    return [Standing(*row) for row in await connection.fetch(OF_DELETED_BOTS)]

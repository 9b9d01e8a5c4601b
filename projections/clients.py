"""The lookup table of the token endpoint: one row for each client, in its current state."""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeVar
from uuid import UUID

import asyncpg
from msgspec import UNSET, Struct, json

from events.client import (
    AccessTokenAlg,
    AuthorizationCode,
    By,
    ClientAccessTokenAlgChanged,
    ClientChange,
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
    secrets_after,
)
from events.client_security import USUAL_SECURITY, ClientSecurityChanged, Security
from events.codec import tags
from events.database import AnyConnection
from events.ids import client_id_of
from projections.table import Table


class Row(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
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
    security: Security = USUAL_SECURITY
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


class Found(Struct, frozen=True, kw_only=True, gc=False):
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
    interactive = isinstance(event.grant, AuthorizationCode)
    row = Row(
        stream_id=stream,
        client_id=event.client_id or client_id_of(stream),
        owner=event.owner,
        grant_type="authorization_code" if interactive else "client_credentials",
        bot_user_id=event.grant.bot_user_id,
        display_name=event.display_name,
        redirect_uris=event.redirect_uris,
        scopes=event.scopes,
        secrets=(event.secret,) if event.secret else (),
        state="active",
        created_at=event.at,
        version=1,
        public=event.public,
        login=Login() if interactive else None,
        apis=None if event.apis is UNSET else event.apis,
    )
    # Of more than 15 keywords Python makes a dictionary first, which takes longer than the row. Most clients need no more of them.
    if not (event.security or event.registration or event.keys):
        return row
    return row.__replace__(
        security=event.security or USUAL_SECURITY,
        registration=event.registration or None,
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
        security=event.security or USUAL_SECURITY,
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
            return row.__replace__(secrets=secrets_after(row.secrets, event))
        case ClientKeyAdded() | ClientKeyRevoked() | ClientKeyExpirySet():
            return row.__replace__(keys=keys_after(row.keys, event))


TABLE = Table(name="clients", row=Row, tags=tags(ClientEvent), project=project)

SharedValue = TypeVar("SharedValue", str, tuple[str, ...])

_login = json.Decoder(Login).decode
_apis = json.Decoder(tuple[GrantedApi, ...]).decode
_security = json.Decoder(Security).decode
_registration = json.Decoder(Registration).decode
_document = json.Decoder(Document).decode
_secrets = json.Decoder(tuple[StoredSecret, ...]).decode
_keys = json.Decoder(tuple[StoredKey, ...]).decode


@lru_cache(maxsize=256)
def _shared(value: SharedValue) -> SharedValue:
    """Return the first value that is equal to this one: many clients have the same, and many rows are kept."""
    return value


def _compact(secret: StoredSecret, registered_at: datetime) -> StoredSecret:
    """Return the secret with values that are in memory already: most have a usual name, and are as old as their client."""
    created_at = registered_at if secret.created_at == registered_at else secret.created_at
    return secret.__replace__(name=_shared(secret.name), created_at=created_at)


def row_of(record: asyncpg.Record) -> Row:
    """Returns the client of a record that has COLUMNS."""
    names = Row.__struct_fields__
    columns: dict[str, Any] = dict(zip(names, map(record.__getitem__, names), strict=True))
    columns |= {
        "redirect_uris": tuple(record["redirect_uris"]),
        "secrets": tuple(_compact(secret, record["created_at"]) for secret in _secrets(record["secrets"])),
        "login": record["login"] and _login(record["login"]),
        "owner": _shared(record["owner"]),
        "grant_type": _shared(record["grant_type"]),
        "state": _shared(record["state"]),
        "scopes": _shared(tuple(record["scopes"])),
        "security": USUAL_SECURITY if record["security"] == "{}" else _security(record["security"]),
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

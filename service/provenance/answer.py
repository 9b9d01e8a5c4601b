"""The answer to why a token exists. Each event that it relies on has its position, which a proof of inclusion can prove."""

from datetime import datetime
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from service.audit.event_json import AuditEvent


class Token(Struct, frozen=True, kw_only=True, rename="camel"):
    """The record of the token. Its position is one of the issuance log; all other positions are of the event log.

    `jkt` is the thumbprint of the key that it is bound to; UNSET is a bearer token.
    """

    position: int
    issued_at: datetime
    jti: UUID
    client_id: str
    secret_id: UUID | None
    sub: str
    scope: str
    kid: str
    expires_at: datetime
    address: str | None
    authorization_id: UUID | None
    jkt: str | UnsetType = UNSET


class ClientThen(Struct, frozen=True, kw_only=True, rename="camel"):
    """The client when the token was issued: `last_change` made its version."""

    client_id: str
    version: int
    owner: str
    display_name: str | None
    registered: AuditEvent
    last_change: AuditEvent


class SecretThen(Struct, frozen=True, kw_only=True, rename="camel"):
    """The secret with which the client authenticated, or its key, whose `hint` is its kid."""

    secret_id: UUID
    name: str
    hint: str
    added: AuditEvent
    revoked: AuditEvent | None


class WorkloadThen(Struct, frozen=True, kw_only=True, rename="camel"):
    """The workload identity by which the client authenticated: tokens of this trusted issuer about this subject."""

    identity_id: UUID
    issuer: str
    subject: str
    audience: str | None
    added: AuditEvent
    removed: AuditEvent | None


class RemoteKeyThen(Struct, frozen=True, kw_only=True, rename="camel"):
    """The key at `jwks_uri` by which the client authenticated; null: its certificate. `named` made that URL or certificate the client's."""

    thumbprint: str
    jwks_uri: str | None
    named: AuditEvent


class BotThen(Struct, frozen=True, kw_only=True, rename="camel"):
    """The bot that the client acted as. It has no events if it is not registered here."""

    id: str
    events: list[AuditEvent]


class GivenScope(Struct, frozen=True, kw_only=True, rename="camel"):
    """A scope of the token, and the events that gave it: to the client, and by the user's consent."""

    scope: str
    given: list[AuditEvent]


class KeyThen(Struct, frozen=True, kw_only=True, rename="camel"):
    """The key that signed the token."""

    kid: str
    events: list[AuditEvent]


class Exchange(Struct, frozen=True, kw_only=True, rename="camel"):
    """An earlier token of the same authorization, from whose exchange this token descends."""

    jti: UUID
    exchanged: AuditEvent


class AssertedBy(Struct, frozen=True, kw_only=True, rename="camel"):
    """The trusted issuer that asserted the user, instead of a sign-in here."""

    issuer: str
    events: list[AuditEvent]


class Login(Struct, frozen=True, kw_only=True, rename="camel"):
    """The user's part: who, in which session, how authenticated, and what the user granted. `exchanged` issued this token."""

    user_id: UUID
    registered: AuditEvent | None
    session_id: UUID
    authenticated: list[AuditEvent]
    authenticated_at: datetime
    amr: list[str]
    acr: str
    granted: AuditEvent
    exchanged: AuditEvent | None
    parents: list[Exchange]
    asserted_by: AssertedBy | UnsetType = UNSET


class ExchangedFrom(Struct, frozen=True, kw_only=True, rename="camel"):
    """A token that was exchanged (RFC 8693): for the token before it in the list, the first one for this token.

    Of an ID token, `jti` is the session, and `authenticated` are its events.
    """

    jti: UUID
    client_id: str
    exchanged: AuditEvent
    authenticated: list[AuditEvent] | UnsetType = UNSET


class Provenance(Struct, frozen=True, kw_only=True, rename="camel"):
    """Why there is the token. `stopped` are the events that have made it inactive, apart from its expiry."""

    token: Token
    client: ClientThen
    secret: SecretThen | None
    bot: BotThen | None
    scopes: list[GivenScope]
    signing_key: KeyThen
    login: Login | None
    stopped: list[AuditEvent]
    exchanged_from: list[ExchangedFrom] | UnsetType = UNSET
    workload_identity: WorkloadThen | UnsetType = UNSET
    remote_key: RemoteKeyThen | UnsetType = UNSET

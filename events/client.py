"""The events of a client, and the states that they lead to."""

from datetime import datetime
from typing import Literal

from msgspec import UNSET, Struct, UnsetType

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


class ClientCredentials(Struct, frozen=True, kw_only=True, gc=False, tag_field="grant_type", tag="client_credentials"):
    """A machine client: it acts as its bot (RFC 6749 section 4.4)."""

    bot_user_id: str


class AuthorizationCode(Struct, frozen=True, kw_only=True, gc=False, tag_field="grant_type", tag="authorization_code"):
    """An interactive client: users sign in through it (RFC 6749 section 4.1)."""

    bot_user_id: str | None = None


Grant = ClientCredentials | AuthorizationCode


IdTokenAlg = Literal["RS256", "ES256"]
USUAL_ID_TOKEN_ALG: IdTokenAlg = "RS256"
"""OpenID Connect Core section 15.1 requires every provider to support it."""


class Login(Struct, frozen=True, kw_only=True, gc=False):
    """The settings with which users sign in through an interactive client.

    `require_pkce` UNSET is the deployment's rule. A public client always needs PKCE. `id_token_claims` says which claims about the
    user an ID token has: UNSET, those of the granted scopes; "minimal", those that the `claims` parameter names.
    """

    require_pkce: bool | UnsetType = UNSET
    first_party: bool = False
    id_token_alg: str = USUAL_ID_TOKEN_ALG
    post_logout_redirect_uris: tuple[str, ...] = ()
    backchannel_logout_uri: str | None = None
    id_token_claims: Literal["minimal"] | UnsetType = UNSET


class ClientRegistered(Struct, frozen=True, kw_only=True, gc=False, tag="client.registered"):
    """A client without a secret and without another method of authentication is public (RFC 6749 section 2.1) and stays so.

    `client_id` is the id of an imported client at the other server, or the URL of a client's metadata document. It names the
    client's stream. `registration` is there if the client registered itself.
    """

    owner: str
    grant: Grant
    display_name: str | None
    redirect_uris: tuple[str, ...]
    scopes: tuple[str, ...]
    secret: StoredSecret | None
    at: datetime
    client_id: str | UnsetType = UNSET
    security: Security | UnsetType = UNSET
    registration: Registration | UnsetType = UNSET
    apis: tuple[GrantedApi, ...] | UnsetType = UNSET
    keys: tuple[StoredKey, ...] | UnsetType = UNSET

    @property
    def public(self) -> bool:
        return self.secret is None and (self.security or USUAL_SECURITY).token_endpoint_auth_method is None


class ClientDisplayNameChanged(Struct, frozen=True, kw_only=True, gc=False, tag="client.display_name_changed"):
    display_name: str | None
    was: str | None


class ClientRedirectUrisChanged(Struct, frozen=True, kw_only=True, gc=False, tag="client.redirect_uris_changed"):
    redirect_uris: tuple[str, ...]
    was: tuple[str, ...]


class ClientScopesChanged(Struct, frozen=True, kw_only=True, gc=False, tag="client.scopes_changed"):
    scopes: tuple[str, ...]
    was: tuple[str, ...]


class ClientLoginChanged(Struct, frozen=True, kw_only=True, gc=False, tag="client.login_changed"):
    login: Login
    was: Login

    def after(self, before: Login) -> Login:
        """Returns the settings after the event, which keeps `require_pkce` if `was` and `login` agree on it.

        Events that are older than UNSET have the former default `true`, which was not the owner's choice.
        """
        if self.login.require_pkce != self.was.require_pkce:
            return self.login
        return self.login.__replace__(require_pkce=before.require_pkce)


AccessTokenAlg = Literal["ES256", "RS256", "EdDSA"]


class ClientAccessTokenAlgChanged(Struct, frozen=True, kw_only=True, gc=False, tag="client.access_token_alg_changed"):
    """The algorithm of the client's access tokens; None is the deployment's default."""

    access_token_alg: AccessTokenAlg | None
    was: AccessTokenAlg | None


By = Literal["owner", "operator"]
"""Who disabled a client or bot: its owner, or an operator (scope `operate`). Only an operator can undo what an operator did."""


class ClientDisabled(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True, tag="client.disabled"):
    """Events that are older than `by` count as the owner's: the owner could undo them then."""

    by: By = "owner"


class ClientEnabled(Struct, frozen=True, kw_only=True, gc=False, tag="client.enabled"):
    pass


class ClientDeleted(Struct, frozen=True, kw_only=True, gc=False, tag="client.deleted"):
    """Older stored events say neither the owner (the stream does) nor `by`, who deleted it: UNSET counts as an operator."""

    owner: str | UnsetType = UNSET
    by: By | UnsetType = UNSET


class ClientRestored(Struct, frozen=True, kw_only=True, gc=False, tag="client.restored"):
    """A deleted client is there again under its own id, with the settings that it had at the position `as_of`.

    It says everything, as a registration does. `version` is the number of the client's events, and `restored` says how often it was
    restored: what was issued to it in an earlier life stays invalid.
    """

    owner: str
    grant: Grant
    display_name: str | None
    redirect_uris: tuple[str, ...]
    scopes: tuple[str, ...]
    secrets: tuple[StoredSecret, ...]
    public: bool
    login: Login
    access_token_alg: AccessTokenAlg | None
    disabled_by: By | None
    created_at: datetime
    version: int
    restored: int
    as_of: int
    at: datetime
    client_id: str | UnsetType = UNSET
    security: Security | UnsetType = UNSET
    registration: Registration | UnsetType = UNSET
    document: Document | UnsetType = UNSET
    apis: tuple[GrantedApi, ...] | UnsetType = UNSET
    keys: tuple[StoredKey, ...] | UnsetType = UNSET


ClientChange = (
    ClientDisplayNameChanged
    | ClientRedirectUrisChanged
    | ClientScopesChanged
    | ClientLoginChanged
    | ClientAccessTokenAlgChanged
    | ClientSecurityChanged
    | ClientAboutChanged
    | ClientDocumentSeen
    | ClientApisChanged
    | ClientSecretAdded
    | ClientSecretRevoked
    | ClientSecretRehashed
    | ClientSecretExpirySet
    | ClientKeyAdded
    | ClientKeyRevoked
    | ClientKeyExpirySet
)
"""The events that do not change whether a client is active or disabled."""

ClientEvent = ClientRegistered | ClientChange | ClientDisabled | ClientEnabled | ClientDeleted | ClientRestored


class Unregistered(Struct, frozen=True):
    pass


class Active(Struct, frozen=True, kw_only=True, gc=False):
    """`version` is the number of the client's events, and `restored` how often it was restored."""

    owner: str
    grant: Grant
    display_name: str | None
    redirect_uris: tuple[str, ...]
    scopes: tuple[str, ...]
    secrets: tuple[StoredSecret, ...]
    public: bool = False
    login: Login = Login()
    access_token_alg: AccessTokenAlg | None = None
    security: Security = USUAL_SECURITY
    registration: Registration | None = None
    document: Document | None = None
    apis: Apis = None
    keys: tuple[StoredKey, ...] = ()
    version: int = 1
    restored: int = 0


class Disabled(Struct, frozen=True, kw_only=True, gc=False):
    """`was` is the state to which the client returns when enabled."""

    was: Active
    by: By = "owner"


class Deleted(Struct, frozen=True, kw_only=True, gc=False):
    """`was` is what was deleted; its `version` counts the deletion."""

    was: Active | Disabled
    by: By = "owner"


Client = Unregistered | Active | Disabled | Deleted


def evolve(client: Client, event: ClientEvent) -> Client:
    """Returns the client after the event. It never refuses, because the event has already happened."""
    return _after(_counted(client), event)


def _counted(client: Client) -> Client:
    """Returns the client with one event more."""
    match client:
        case Active():
            return client.__replace__(version=client.version + 1)
        case Disabled():
            return client.__replace__(was=client.was.__replace__(version=client.was.version + 1))
        case Deleted() | Unregistered():
            return client


def _after(client: Client, event: ClientEvent) -> Client:
    match event:
        case ClientRegistered():
            return Active(
                owner=event.owner,
                grant=event.grant,
                display_name=event.display_name,
                redirect_uris=event.redirect_uris,
                scopes=event.scopes,
                secrets=(event.secret,) if event.secret else (),
                public=event.public,
                security=event.security or USUAL_SECURITY,
                registration=event.registration or None,
                apis=None if event.apis is UNSET else event.apis,
                keys=event.keys or (),
            )
        case ClientDisabled():
            return _disabled(client, event.by)
        case ClientEnabled():
            return client.was if isinstance(client, Disabled) else client
        case ClientDeleted():
            return _deleted(client, event)
        case ClientRestored():
            return _restored(event)
        case _:
            return _changed(client, event)


def _deleted(client: Client, event: ClientDeleted) -> Client:
    match client:
        case Active() | Disabled():
            return Deleted(was=client, by="operator" if event.by is UNSET else event.by)
        case Unregistered() | Deleted():
            return client


def _restored(event: ClientRestored) -> Active | Disabled:
    client = Active(
        owner=event.owner,
        grant=event.grant,
        display_name=event.display_name,
        redirect_uris=event.redirect_uris,
        scopes=event.scopes,
        secrets=event.secrets,
        public=event.public,
        login=event.login,
        access_token_alg=event.access_token_alg,
        security=event.security or USUAL_SECURITY,
        registration=event.registration or None,
        document=event.document or None,
        apis=None if event.apis is UNSET else event.apis,
        keys=event.keys or (),
        version=event.version,
        restored=event.restored,
    )
    return client if event.disabled_by is None else Disabled(was=client, by=event.disabled_by)


def _disabled(client: Client, by: By) -> Client:
    match client:
        case Active():
            return Disabled(was=client, by=by)
        case Disabled():
            return client if client.by == "operator" else Disabled(was=client.was, by=by)
        case Unregistered() | Deleted():
            return client


def _changed(client: Client, event: ClientChange) -> Client:
    match client:
        case Active():
            return _with(client, event)
        case Disabled():
            return Disabled(was=_with(client.was, event), by=client.by)
        case Unregistered() | Deleted():
            return client


def _with(client: Active, event: ClientChange) -> Active:
    match event:
        case ClientDisplayNameChanged():
            return client.__replace__(display_name=event.display_name)
        case ClientRedirectUrisChanged():
            return client.__replace__(redirect_uris=event.redirect_uris)
        case ClientScopesChanged():
            return client.__replace__(scopes=event.scopes)
        case ClientLoginChanged():
            return client.__replace__(login=event.after(client.login))
        case ClientAccessTokenAlgChanged():
            return client.__replace__(access_token_alg=event.access_token_alg)
        case ClientSecurityChanged():
            return client.__replace__(security=event.security)
        case ClientAboutChanged():
            return client.__replace__(registration=about_changed(client.registration, event))
        case ClientDocumentSeen():
            return client.__replace__(document=event.document)
        case ClientApisChanged():
            return client.__replace__(apis=event.apis)
        case ClientSecretAdded() | ClientSecretRevoked() | ClientSecretRehashed() | ClientSecretExpirySet():
            return client.__replace__(secrets=secrets_after(client.secrets, event))
        case ClientKeyAdded() | ClientKeyRevoked() | ClientKeyExpirySet():
            return client.__replace__(keys=keys_after(client.keys, event))


def terms_of(client: Active | Disabled) -> Active:
    """Returns the settings of a client, whether it is disabled or not."""
    return client if isinstance(client, Active) else client.was

"""The command that the service gives when it has read the metadata document of a client: what follows from it."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import UNSET, Struct, structs

from events.client import (
    Active,
    AuthorizationCode,
    Client,
    ClientDisplayNameChanged,
    ClientEvent,
    ClientLoginChanged,
    ClientRedirectUrisChanged,
    ClientRegistered,
    ClientRestored,
    Deleted,
    Disabled,
    Login,
    Unregistered,
)
from events.client_document import ClientDocumentSeen, Document
from events.client_key import StoredKey
from events.client_registration import About
from events.client_security import USUAL_SECURITY, Security
from service.commands.authority import DOCUMENTS
from service.commands.command import OrdinaryCommand
from service.commands.key import replaced
from service.commands.security_change import change_security
from service.refusals import Contradiction


class SeeDocument(OrdinaryCommand, frozen=True, kw_only=True):
    """`scopes` and `security` are those of a new client. Later, only an operator changes them."""

    url: str
    digest: str
    display_name: str | None
    redirect_uris: tuple[str, ...]
    scopes: tuple[str, ...]
    login: Login
    security: Security
    about: About
    at: datetime
    keys: tuple[StoredKey, ...] = ()
    position: int = 0
    """The last position of the log that was known when the document was read."""


class Says(Struct, frozen=True, kw_only=True):
    """What a document decides about its client."""

    display_name: str | None = None
    redirect_uris: tuple[str, ...] = ()
    login: Login = Login()
    about: About = About()
    keys: frozenset[str] = frozenset()
    jwks_uri: str | None = None
    request_uris: tuple[str, ...] = ()


def see_document(command: SeeDocument, client: Client) -> list[ClientEvent]:
    """A document brings back no client that an operator disabled or deleted, but one that was deleted because nobody used it.

    Raises Contradiction.
    """
    match client:
        case Unregistered():
            return _first_seen(command)
        case Active():
            return _seen_again(command, client)
        case Disabled():
            return []
        case Deleted(was=Active() as was, by="owner"):
            return _back(command, was)
        case Deleted():
            raise Contradiction("The client of this document was deleted, and the document does not bring it back.")


def _first_seen(command: SeeDocument) -> list[ClientEvent]:
    registered = ClientRegistered(
        owner=DOCUMENTS,
        grant=AuthorizationCode(),
        display_name=command.display_name,
        redirect_uris=command.redirect_uris,
        scopes=command.scopes,
        secret=None,
        at=command.at,
        client_id=command.url,
        security=UNSET if command.security == USUAL_SECURITY else command.security,
        keys=command.keys or UNSET,
    )
    login = [] if command.login == Login() else [ClientLoginChanged(login=command.login, was=Login())]
    document = Document(digest=command.digest, about=command.about, at=command.at, redirect_uris_at=command.at)
    return [registered, *login, _seen(command, document, None, Says())]


def _back(command: SeeDocument, was: Active) -> list[ClientEvent]:
    """Returns it as a new client. What was issued in its earlier life stays invalid."""
    restored = ClientRestored(
        owner=DOCUMENTS,
        grant=AuthorizationCode(),
        display_name=command.display_name,
        redirect_uris=command.redirect_uris,
        scopes=command.scopes,
        secrets=(),
        public=command.security.token_endpoint_auth_method is None,
        login=command.login,
        access_token_alg=None,
        disabled_by=None,
        created_at=command.at,
        version=was.version + 1,
        restored=was.restored + 1,
        as_of=command.position,
        at=command.at,
        client_id=command.url,
        security=UNSET if command.security == USUAL_SECURITY else command.security,
        keys=command.keys or UNSET,
    )
    document = Document(digest=command.digest, about=command.about, at=command.at, redirect_uris_at=command.at)
    return [restored, _seen(command, document, None, Says())]


def _seen_again(command: SeeDocument, client: Active) -> list[ClientEvent]:
    before = client.document
    if before is None or before.digest == command.digest:
        return []
    _authenticates_as_before(command, client)
    events: list[ClientEvent] = _keys_changed(command, client)
    if command.display_name != client.display_name:
        events.append(ClientDisplayNameChanged(display_name=command.display_name, was=client.display_name))
    if moved := command.redirect_uris != client.redirect_uris:
        events.append(ClientRedirectUrisChanged(redirect_uris=command.redirect_uris, was=client.redirect_uris))
    if command.login != client.login:
        events.append(ClientLoginChanged(login=command.login, was=client.login))
    document = Document(
        digest=command.digest,
        about=command.about,
        at=command.at,
        redirect_uris_at=command.at if moved else before.redirect_uris_at,
    )
    was = Says(
        display_name=client.display_name,
        redirect_uris=client.redirect_uris,
        login=client.login,
        about=before.about,
        keys=_thumbprints(client.keys),
        jwks_uri=client.security.jwks_uri,
        request_uris=client.security.request_uris,
    )
    return [*events, _seen(command, document, before.digest, was)]


def _authenticates_as_before(command: SeeDocument, client: Active) -> None:
    """A public client stays one, and so does one that authenticates by key (RFC 6749 section 2.1). Raises Contradiction."""
    if command.security.token_endpoint_auth_method != client.security.token_endpoint_auth_method:
        raise Contradiction(
            "Its token_endpoint_auth_method is another one than before, which a client keeps. Publish a document at another URL."
        )


def _keys_changed(command: SeeDocument, client: Active) -> list[ClientEvent]:
    """Returns the events after which the client has the keys of the document alone."""
    added, revoked = replaced(command.keys, client.keys)
    security = client.security.__replace__(
        jwks_uri=command.security.jwks_uri, request_uris=command.security.request_uris
    )
    return [
        *change_security(security, client.security),
        *revoked,
        *added,
    ]


def _thumbprints(keys: Sequence[StoredKey]) -> frozenset[str]:
    return frozenset(key.thumbprint for key in keys)


def may_change(client: Active, *, says: bool) -> None:
    """Raises Contradiction if the change is of something that the client's document `says`."""
    if client.document is not None and says:
        raise Contradiction(
            "The document at this client's client_id says its name, its redirect URIs and its terms of logging in, so they are"
            " changed there. Here you can change its scopes, its token algorithm and its security, disable it or delete it."
        )


def _seen(command: SeeDocument, document: Document, was: str | None, before: Says) -> ClientDocumentSeen:
    after = Says(
        display_name=command.display_name,
        redirect_uris=command.redirect_uris,
        login=command.login,
        about=command.about,
        keys=_thumbprints(command.keys),
        jwks_uri=command.security.jwks_uri,
        request_uris=command.security.request_uris,
    )
    return ClientDocumentSeen(url=command.url, document=document, was=was, changed=_changed(before, after))


def _changed(before: Says, after: Says) -> tuple[str, ...]:
    """Returns the members that differ, by their names in RFC 7591."""
    one, other = _members(before), _members(after)
    return tuple(name for name, value in other.items() if value != one[name])


def _members(says: Says) -> dict[str, object]:
    return {
        "client_name": says.display_name,
        "redirect_uris": says.redirect_uris,
        "id_token_signed_response_alg": says.login.id_token_alg,
        "post_logout_redirect_uris": says.login.post_logout_redirect_uris,
        "jwks": says.keys,
        "jwks_uri": says.jwks_uri,
        "request_uris": says.request_uris,
        **structs.asdict(says.about),
    }

# pyright: basic
"""Authlib's authorization server as one pure function: facts and a form in, a decision out. No I/O, about ten microseconds."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import (
    AuthorizationServer,
    ClientCredentialsGrant,
    InvalidRequestError,
    InvalidScopeError,
    OAuth2Request,
    UnauthorizedClientError,
)
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from msgspec import Struct

from events.client import StoredSecret
from projections.clients import Found
from service.oauth.authentication import Presented, prove
from service.oauth.errors import InvalidClient, InvalidRequest, Refused, plain
from service.oauth.form import Form
from service.scopes import split


class Facts(Struct, frozen=True, kw_only=True):
    """Everything that a decision may rest on, loaded before it is made."""

    issuer: str
    given: Presented | None
    found: Found | None
    now: datetime


class Grant(Struct, frozen=True, kw_only=True):
    """A token that may be issued: to whom, proved by which secret, for what."""

    client: UUID
    client_id: str
    sub: str
    scope: str
    secret: UUID


class NotLoaded(Exception):
    """Authlib asked for a fact that was not loaded: a guard against a change in its behaviour, never an answer."""


def decide(facts: Facts, form: Form) -> Grant:
    """What a token request comes to. Raises a Refusal."""
    request = _Request(f"{facts.issuer}/openid/token", form)
    server = _Server(facts)
    try:
        if "grant_type" not in form:
            raise InvalidRequestError("The parameter grant_type is missing.")
        grant: Any = server.get_token_grant(request)
        grant.validate_token_request()
        grant.create_token_response()
    except OAuth2Error as error:
        raise Refused(
            error.status_code, error.error or "invalid_request", error.get_error_description() or ""
        ) from error
    except (ValueError, UnicodeError) as fault:  # Authlib's way of saying that it met something odd
        raise InvalidRequest("The request is malformed.") from fault
    if server.granted is None:
        raise NotLoaded("Authlib accepted the request without asking for a token")
    return server.granted


class _Request(OAuth2Request):
    def __init__(self, uri: str, form: Form) -> None:
        # Authlib refuses http:// URLs here; whether plain http is all right was decided when the issuer was read.
        super().__init__("POST", uri.replace("http://", "https://", 1))
        self.payload: Any = BasicOAuth2Payload(form)

    @property
    def form(self) -> Form:
        return self.payload.data


class _Client:
    """The client as Authlib wants to ask it."""

    def __init__(self, found: Found, secret: StoredSecret) -> None:
        self.found = found
        self.secret = secret

    def check_grant_type(self, grant_type: str) -> bool:
        return self.found.client.grant_type == grant_type

    def __repr__(self) -> str:
        return f"_Client({self.found.client.client_id})"


class _ClientCredentials(ClientCredentialsGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ("presented",)

    def validate_requested_scope(self) -> None:
        """A client gets what it asks for or is refused; one that does not ask gets all that it may have."""
        allowed = self.client.found.client.scopes
        payload: Any = self.request.payload
        asked = split(payload.scope)
        unknown = [scope for scope in asked if scope not in allowed]
        if unknown:
            raise InvalidScopeError(
                plain(f"This client may not have: {' '.join(unknown)}. It may have: {' '.join(allowed) or 'nothing'}.")
            )
        if not allowed:
            raise InvalidScopeError("This client has no scopes; its owner can give it some.")


class _Server(AuthorizationServer):
    """One per request, for query_client and the token generator are not told which request they are called for."""

    def __init__(self, facts: Facts) -> None:
        super().__init__()
        self._facts = facts
        self.granted: Grant | None = None
        self._token_grants = _GRANTS

    def authenticate_client(self, request: Any, methods: Any, endpoint: str = "token") -> _Client:
        facts = self._facts
        if facts.given is None:
            raise InvalidClient
        secret = prove(facts.given, facts.found, facts.now)
        assert facts.found is not None
        request.auth_method = facts.given.method
        return _Client(facts.found, secret)

    def query_client(self, client_id: str) -> Any:
        raise NotLoaded("a client was asked for outside of its authentication")

    def send_signal(self, name: str, *args: object, **kwargs: object) -> None:
        pass

    def generate_token(
        self, grant_type: str, client: _Client, user: Any = None, scope: str | None = None, **_: Any
    ) -> dict[str, str]:
        row = client.found.client
        if row.bot_user_id is None:
            raise UnauthorizedClientError("This client acts as nobody: it has no bot.")
        granted = split(scope) or row.scopes
        self.granted = Grant(
            client=row.stream_id,
            client_id=row.client_id,
            sub=row.bot_user_id,
            scope=" ".join(granted),
            secret=client.secret.secret_id,
        )
        return {}

    def save_token(self, token: Any, request: Any) -> None:
        """Nothing is saved here: the caller records the grant, and signs only then."""


_GRANTS: list[tuple[type[ClientCredentialsGrant], None]] = [(_ClientCredentials, None)]


def utc_now() -> datetime:
    return datetime.now(UTC)

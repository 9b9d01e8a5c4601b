# pyright: basic
"""Authlib's authorization server as one pure function: facts and a form in, a decision out. No I/O, about ten microseconds."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import (
    AuthorizationServer,
    InvalidRequestError,
    OAuth2Request,
    UnauthorizedClientError,
)
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from msgspec import Struct

from events.authorization import Authorized
from events.issuance import NO_SECRET
from projections.clients import Found
from service.oauth.authentication import Presented, prove
from service.oauth.errors import InvalidClient, InvalidRequest, Refused
from service.oauth.form import Form
from service.oauth.grants import GRANTS, Client
from service.scopes import split


class Facts(Struct, frozen=True, kw_only=True):
    """Everything that a decision may rest on, loaded before it is made."""

    issuer: str
    given: Presented | None
    found: Found | None
    now: datetime
    authorized: Authorized | None = None
    """What the code or refresh token in the request names, if it is one that was issued for it."""


class Grant(Struct, frozen=True, kw_only=True):
    """A token that may be issued: to whom, proved by which secret (NO_SECRET: none), for what."""

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


class _Server(AuthorizationServer):
    """One per request, for query_client and the token generator are not told which request they are called for."""

    def __init__(self, facts: Facts) -> None:
        super().__init__()
        self.facts = facts
        self.granted: Grant | None = None
        self._token_grants = GRANTS

    def authenticate_client(self, request: Any, methods: Any, endpoint: str = "token") -> Client:
        facts = self.facts
        if facts.given is None:
            raise InvalidClient
        secret = prove(facts.given, facts.found, facts.now)
        assert facts.found is not None
        request.auth_method = facts.given.method
        return Client(facts.found, secret)

    def query_client(self, client_id: str) -> Any:
        raise NotLoaded("a client was asked for outside of its authentication")

    def send_signal(self, name: str, *args: object, **kwargs: object) -> None:
        pass

    def generate_token(
        self, grant_type: str, client: Client, user: UUID | None = None, scope: str | None = None, **_: Any
    ) -> dict[str, str]:
        row = client.found.client
        sub = row.bot_user_id if user is None else str(user)
        if sub is None:
            raise UnauthorizedClientError("This client acts as nobody: it has no bot.")
        granted = split(scope) if user else split(scope) or row.scopes
        self.granted = Grant(
            client=row.stream_id,
            client_id=row.client_id,
            sub=sub,
            scope=" ".join(granted),
            secret=client.secret.secret_id if client.secret else NO_SECRET,
        )
        return {}

    def save_token(self, token: Any, request: Any) -> None:
        """Nothing is saved here: the caller records the grant, and signs only then."""


def utc_now() -> datetime:
    return datetime.now(UTC)

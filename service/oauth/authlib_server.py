# pyright: basic
"""Authlib's authorization server as one pure function from facts and a form to a decision. It does no I/O and takes about 10 µs."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import AuthorizationServer
from authlib.oauth2.rfc6749.requests import OAuth2Payload
from msgspec import Struct

from events.authorization import Authorized
from service.oauth import plain_requests
from service.oauth.authlib_delegation import JwtBearer, TokenExchange
from service.oauth.authlib_grants import DEVICE, AuthenticatedClient, DeviceCode
from service.oauth.authlib_grants import GRANTS as USUAL
from service.oauth.errors import InvalidClient, InvalidRequest, Refusal, Refused
from service.oauth.form import Form
from service.oauth.identity_assertions import CONFIDENTIAL, Assertion
from service.oauth.targets import Target
from service.oauth.token_exchange import NO_POLICY, Exchange, ExchangeRequest, Subject
from service.values.scopes import split

GRANTS = [*USUAL, (TokenExchange, None), (JwtBearer, None)]
GRANT_TYPES = ", ".join(grant.GRANT_TYPE for grant, _ in GRANTS)
MALFORMED = "The request is malformed. Send each parameter once, as a form, in the characters that OAuth allows."
NO_BOT = "This client acts as nobody: it has no bot. Register one with a botUserId."
FOR_MACHINES = "This client is for machines (m2m: true): it may use grant_type=client_credentials. Register one with m2m: false for people."
FOR_PEOPLE = (
    "People log in through this client (m2m: false): it may use grant_type=authorization_code and refresh_token. "
    "Register one with m2m: true for a machine."
)
NO_DEVICES = "This client may not use the device grant. An interactive client may, if its owner sets deviceGrant: true."
OF_DEVICES = {
    "authorization_pending": "The person has not answered yet. Ask again after the interval.",
    "slow_down": "The device asks too often. Wait 5 s longer between two requests from now on (RFC 8628 section 3.5).",
    "access_denied": "The person denied the request.",
    "expired_token": "The device code has expired. Begin again at the device authorization endpoint.",
}
NEEDED = {
    "authorization_code": "code",
    "refresh_token": "refresh_token",
    DEVICE: "device_code",
    JwtBearer.GRANT_TYPE: "assertion",
}
"""The required parameter of each grant type, besides client authentication."""


class Facts(Struct, frozen=True, kw_only=True):
    """Everything that a decision depends on, loaded before it is made."""

    issuer: str
    client: AuthenticatedClient | None
    """None if client authentication failed."""
    authorized: Authorized | None = None
    """The authorization from which the code or refresh token in the request was issued, if there is one."""
    target: Target | None = None
    """What a machine's token is for, if the request says so; None is the default audience."""
    device: DeviceCode | None = None
    """The device code in the request, if this server issued it."""
    subject: Subject | None = None
    """The verified subject_token of an exchange."""
    asked: ExchangeRequest | None = None
    """What the exchange asks for."""
    assertion: Assertion | None = None
    """The verified identity assertion."""

    def loaded(self, fact: Any) -> Any:
        """Raises NotLoaded."""
        if fact is None:
            raise NotLoaded("a fact was asked for that was not loaded")
        return fact


class TokenGrant(Struct, frozen=True, kw_only=True):
    """A token that may be issued: its client, subject and scope, and the secret that authenticated the client (or NO_SECRET)."""

    client: UUID
    client_id: str
    sub: str
    scope: str
    secret: UUID
    client_key: str | None = None
    exchange: Exchange | None = None


class NotLoaded(Exception):
    """Authlib needed a fact that was not loaded. This guards against a change in its behaviour and is never sent as a response."""


class TokenRequest(OAuth2Payload):
    """A request as Authlib reads it, with the facts of its decision; `granted` is what came of it. It is its own payload.

    Authlib's own class also refuses http://. Whether plain http is allowed was decided when the issuer setting was read.
    """

    method = "POST"
    client: AuthenticatedClient | None = None
    user: UUID | str | None = None
    granted: TokenGrant | None = None

    def __init__(self, facts: Facts, form: Form) -> None:
        self.facts, self.form = facts, form

    @property
    def payload(self) -> "TokenRequest":
        return self

    @property
    def data(self) -> Form:
        return self.form

    @property
    def auth_method(self) -> str | None:
        return self.facts.client and self.facts.client.method

    def grant(self, user: UUID | str | None, scope: str | None) -> None:
        """Note the token that may be issued. Raises Refused if a machine acts as nobody."""
        client = self.facts.loaded(self.facts.client)
        row, target = client.row, self.facts.target
        sub = row.bot_user_id if user is None else str(user)
        if sub is None:
            raise Refused(400, "unauthorized_client", NO_BOT)
        granted = split(scope) if user else split(scope) or (row.scopes if target is None else target.scopes)
        self.granted = _granted(client, sub, granted)


def decide(facts: Facts, form: Form) -> TokenGrant:
    """Decide a token request. Raises a Refusal."""
    return plainly(facts, form) or by_authlib(facts, form)


def plainly(facts: Facts, form: Form) -> TokenGrant | None:
    """Return what Authlib says to a plain request; None of any other one."""
    client = facts.client
    if client is None:
        return None
    match form.get("grant_type"):
        case "client_credentials":
            plain = plain_requests.of_machine(client, facts.target, form)
        case "authorization_code":
            plain = plain_requests.of_code(client, facts.authorized, form)
        case "refresh_token":
            plain = plain_requests.of_refresh_token(client, facts.authorized, form)
        case _:
            return None
    return plain and _granted(client, *plain)


def _granted(client: AuthenticatedClient, sub: str, scopes: Sequence[str]) -> TokenGrant:
    return TokenGrant(
        client=client.row.stream_id,
        client_id=client.row.client_id,
        sub=sub,
        scope=" ".join(scopes),
        secret=client.secret_id,
        client_key=client.client_key,
    )


def by_authlib(facts: Facts, form: Form) -> TokenGrant:
    """Raises a Refusal."""
    request: Any = TokenRequest(facts, form)
    try:
        if "grant_type" not in form:
            raise InvalidRequest(f"The parameter grant_type is missing. Send one of: {GRANT_TYPES}.")
        grant: Any = _SERVER.get_token_grant(request)
        grant.validate_token_request()
        grant.create_token_response()
    except OAuth2Error as error:
        raise _in_our_words(error, form, facts.client) from error
    except (ValueError, UnicodeError) as fault:  # Authlib raises these for malformed parameters
        raise InvalidRequest(MALFORMED) from fault
    if request.granted is None:
        raise NotLoaded("Authlib accepted the request without asking for a token")
    return request.granted


def _in_our_words(error: OAuth2Error, form: Form, client: AuthenticatedClient | None) -> Refusal:
    """Rewrite an error of Authlib's. Its texts say what is wrong but not what to do, and some of its errors have no text."""
    kind = form["grant_type"]
    needed = NEEDED.get(kind)
    match error.error:
        case "unsupported_grant_type":
            text = f"This server does not offer grant_type={kind[:50]}. Use one of: {GRANT_TYPES}."
        case "unauthorized_client" if kind == DEVICE:
            text = NO_DEVICES
        case "unauthorized_client" if kind == TokenExchange.GRANT_TYPE:
            text = NO_POLICY
        case "unauthorized_client" if kind == JwtBearer.GRANT_TYPE:
            text = CONFIDENTIAL
        case "unauthorized_client":
            text = FOR_MACHINES if client and client.row.grant_type == "client_credentials" else FOR_PEOPLE
        case "invalid_request" if needed and needed not in form:
            text = f"The parameter {needed} is missing. Send it with grant_type={kind}."
        case _:
            text = OF_DEVICES.get(error.error or "", MALFORMED)
    return Refused(400, error.error or "invalid_request", text)


class _Server(AuthorizationServer):
    """One for all requests: what belongs to one request is in its TokenRequest, from which the grants take it."""

    def __init__(self) -> None:
        super().__init__()
        for grant, extensions in GRANTS:
            self.register_grant(grant, extensions)

    def authenticate_client(self, request: TokenRequest, methods: Any, endpoint: str = "token") -> AuthenticatedClient:
        client = request.facts.client
        if client is None:
            raise InvalidClient
        return client

    def query_client(self, client_id: str) -> Any:
        raise NotLoaded("a client was asked for outside of its authentication")

    def send_signal(self, name: str, *args: object, **kwargs: object) -> None:
        pass


_SERVER = _Server()

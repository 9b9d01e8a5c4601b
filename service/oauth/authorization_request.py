"""A validated authorization request, sealed in a URL parameter from page to page.

The server keeps no state between the pages. Only this server can create such a sealed request or read it.
"""

import time
from uuid import UUID

from msgspec import Struct, ValidationError, json

from events.client_security import USUAL_RESPONSE_ALG
from service.crypto.sealing import CannotOpen, Seal
from service.values.claim_scopes import scopes_of

LIFETIME_SECONDS = 3600
"""How long a user may take for the pages of one authorization request."""

ABOUT = b"authorization request"


class AskingDevice(Struct, frozen=True, kw_only=True):
    """A device authorization (RFC 8628), in the place of a browser's request: the code that its user typed, and where it began."""

    stream: UUID
    user_code: str
    address: str
    agent: str

    def __repr__(self) -> str:
        return "AskingDevice(…)"


class AuthorizationRequest(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """RFC 6749 section 4.1.1, OpenID Connect Core 1.0 section 3.1.2.1, RFC 7636, RFC 8707, RFC 9449. Every parameter was validated.

    `asked_at` is in seconds since 1970. `named` says that the request contained a redirect_uri. `essential_acrs`, if not empty, are
    the only acceptable ones. `chosen` is the session whose user confirmed the account for `prompt=select_account`, and `consented`
    the session whose user consented for `prompt=consent`. Each answer is valid in that session only. `pushed` names the pushed request
    that this was, which is good for one code (RFC 9126).
    A request with a `device` has no redirect URI: nobody is sent to its client.
    """

    client_id: str
    redirect_uri: str
    asked_at: float
    named: bool = True
    response_mode: str = "query"
    response_alg: str = USUAL_RESPONSE_ALG
    state: str | None = None
    nonce: str | None = None
    scopes: tuple[str, ...] = ()
    resource: str | None = None
    code_challenge: str | None = None
    dpop_jkt: str | None = None
    prompts: tuple[str, ...] = ()
    max_age: int | None = None
    login_hint: str | None = None
    acr_values: tuple[str, ...] = ()
    ui_locales: tuple[str, ...] = ()
    id_token_claims: tuple[str, ...] = ()
    userinfo_claims: tuple[str, ...] = ()
    access_token_claims: tuple[str, ...] = ()
    wanted_sub: str | None = None
    essential_acrs: tuple[str, ...] = ()
    chosen: UUID | None = None
    consented: UUID | None = None
    pushed: str | None = None
    device: AskingDevice | None = None

    @property
    def to_allow(self) -> tuple[str, ...]:
        """The scopes that need the user's consent: those requested, and those of claims that the client or an API wants by themselves."""
        claims = (*self.id_token_claims, *self.userinfo_claims, *self.access_token_claims)
        return tuple(dict.fromkeys((*self.scopes, *scopes_of(claims))))


class NoRequest(Exception):
    """The text is not a request that this server sealed, or the request has expired: then `expired` is the request."""

    def __init__(self, why: str, expired: AuthorizationRequest | None = None) -> None:
        super().__init__(why)
        self.expired = expired


class Requests:
    """Seals authorization requests for a URL parameter, and opens them."""

    def __init__(self, master_key: bytes) -> None:
        self._seal = Seal(master_key, "muniment authorization requests")

    def close(self, request: AuthorizationRequest) -> str:
        return self._seal.close_as_text(json.encode(request), ABOUT)

    def open(self, text: str) -> AuthorizationRequest:
        """Raises NoRequest."""
        try:
            request = json.decode(self._seal.open_text(text, ABOUT), type=AuthorizationRequest)
        except (CannotOpen, ValidationError, ValueError) as fault:
            raise NoRequest("The authorization request of this page is not valid.") from fault
        if request.asked_at + LIFETIME_SECONDS < time.time():
            raise NoRequest("This page was open for more than an hour.", request)
        return request


def begun_again(expired: AuthorizationRequest, now: float) -> AuthorizationRequest:
    """Return the same request as if its client sent it now. The user's earlier answers are dropped. `now` is in seconds since 1970."""
    return expired.__replace__(asked_at=now, chosen=None, consented=None)

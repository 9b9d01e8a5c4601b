"""What a client asked at the authorization endpoint, once it was found good: carried from page to page in the URL, sealed.

Nothing is kept at the server between the pages, and nobody but this server can write such a request or read it.
"""

import time
from uuid import UUID

from msgspec import Struct, ValidationError, json

from service.crypto.sealing import CannotOpen, Seal
from service.oauth.claims import scopes_of

LIFETIME_SECONDS = 3600
"""How long a person may take over the pages."""

ABOUT = b"authorization request"


class AuthorizationRequest(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """RFC 6749 section 4.1.1, OpenID Connect Core 1.0 section 3.1.2.1, RFC 7636, RFC 8707; every part of it was checked.

    `asked_at` is in seconds since 1970. `essential_acrs`, where there are any, are
    the only ones that do. `chosen` is the session whose person said it-is-me to `prompt=select_account`,
    `consented` the session whose person allowed it to `prompt=consent`: each is good in that session alone.
    """

    client_id: str
    redirect_uri: str
    asked_at: float
    named: bool = True
    response_mode: str = "query"
    state: str | None = None
    nonce: str | None = None
    scopes: tuple[str, ...] = ()
    resource: str | None = None
    code_challenge: str | None = None
    prompts: tuple[str, ...] = ()
    max_age: int | None = None
    login_hint: str | None = None
    acr_values: tuple[str, ...] = ()
    ui_locales: tuple[str, ...] = ()
    id_token_claims: tuple[str, ...] = ()
    userinfo_claims: tuple[str, ...] = ()
    wanted_sub: str | None = None
    essential_acrs: tuple[str, ...] = ()
    chosen: UUID | None = None
    consented: UUID | None = None

    @property
    def to_allow(self) -> tuple[str, ...]:
        """What takes the person's yes: the scopes, and those whose claims are asked for singly."""
        return tuple(dict.fromkeys((*self.scopes, *scopes_of((*self.id_token_claims, *self.userinfo_claims)))))


class NoRequest(Exception):
    """No request that this server sealed, or the person took too long over it: then `expired` is what it was."""

    def __init__(self, why: str, expired: AuthorizationRequest | None = None) -> None:
        super().__init__(why)
        self.expired = expired


class Requests:
    """Seals requests into a URL parameter, and opens them again."""

    def __init__(self, master_key: bytes) -> None:
        self._seal = Seal(master_key, "muniment authorization requests")

    def close(self, request: AuthorizationRequest) -> str:
        return self._seal.close_as_text(json.encode(request), ABOUT)

    def open(self, text: str) -> AuthorizationRequest:
        """Raises NoRequest."""
        try:
            request = json.decode(self._seal.open_text(text, ABOUT), type=AuthorizationRequest)
        except (CannotOpen, ValidationError, ValueError) as fault:
            raise NoRequest("This page was reached in a way that cannot be continued.") from fault
        if request.asked_at + LIFETIME_SECONDS < time.time():
            raise NoRequest("This page was open for more than an hour.", request)
        return request


def begun_again(expired: AuthorizationRequest, now: float) -> AuthorizationRequest:
    """The same request as if its client made it now: what the person answered before counts no longer."""
    return expired.__replace__(asked_at=now, chosen=None, consented=None)

"""Signing in to the console: the authorization code flow of its own client, with PKCE, state and nonce; and signing out.

The server keeps no state: the browser carries the sealed `Begun` as the parameter `state`.
"""

import secrets
from collections.abc import Mapping
from hashlib import sha256
from hmac import compare_digest
from urllib.parse import urlencode
from uuid import UUID

from msgspec import Struct, json
from starlette.responses import RedirectResponse, Response

from events.envelope import ByUser
from service.console import access, registration
from service.console.place import COOKIE
from service.crypto.base64url import as_text
from service.crypto.opaque_tokens import CODE, parsed
from service.grants.authorization_code import redeem
from service.grants.oauth_request import OAuthRequest, TokenResponse
from service.http.asgi import address
from service.http.origin import GOES_AWAY, below
from service.oauth.errors import Refusal
from service.oauth.tokens import Hint, read_hint
from service.pages.browser import Visit, bake
from service.pages.sealed_state import close, unsealed
from service.pages.security import RECENT
from service.pages.session_start import TWO_FACTORS
from service.request_id import envelope

SECONDS = 3600
RANDOM_BYTES = 32
SECOND_FACTOR = {"acr": {"essential": True, "values": [TWO_FACTORS]}}


class NotSignedIn(Exception):
    """The sign-in did not succeed. `error` is the code of OAuth (RFC 6749 section 4.1.2.1)."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


class Begun(Struct, frozen=True, kw_only=True):
    """A sign-in that has begun: what its end needs."""

    verifier: str
    nonce: str
    following: str


async def begin(visit: Visit, following: str, *, again: UUID | None = None) -> Response:
    """Redirect to the authorization endpoint. `again` is a user who must have authenticated recently. Raises NotOurs, Unavailable."""
    resources = visit.resources
    await registration.prepare(resources)
    begun = Begun(verifier=_random(), nonce=_random(), following=following)
    query = {
        "response_type": "code",
        "client_id": registration.CLIENT_ID,
        "redirect_uri": registration.redirect_uri(resources),
        "scope": "openid",
        "state": close(visit, begun, SECONDS),
        "nonce": begun.nonce,
        "code_challenge": as_text(sha256(begun.verifier.encode()).digest()),
        "code_challenge_method": "S256",
        "ui_locales": visit.language,
    }
    if again is not None:
        query["max_age"] = str(int(RECENT.total_seconds()))
    if claims := _claims(visit, again):
        query["claims"] = json.encode({"id_token": claims}).decode()
    location = f"{below(resources.settings.issuer)}/openid/authorize?{urlencode(query)}"
    return RedirectResponse(location, 303, headers=GOES_AWAY)


def _claims(visit: Visit, again: UUID | None) -> Mapping[str, object]:
    """Return what the ID token must say (OpenID Connect Core 1.0 section 5.5)."""
    factor = SECOND_FACTOR if visit.resources.settings.console_second_factor else {}
    return factor if again is None else {**factor, "sub": {"value": str(again)}}


async def finish(visit: Visit) -> Response:
    """Redeem the code, and set the cookie. Raises NotSignedIn, Unavailable."""
    query = visit.request.query_params
    begun = unsealed(visit, query.get("state"), Begun)
    if begun is None or query.get("iss") != visit.resources.settings.issuer:
        raise NotSignedIn("invalid_request")
    code = parsed(CODE, query.get("code"))
    if code is None:
        raise NotSignedIn(query.get("error", "invalid_request"))
    token = await _id_token(visit, query["code"], begun)
    assert token.sid is not None
    granted = access.Granted(authorization=code.authorization, user=token.sub, session=token.sid)
    response = RedirectResponse(begun.following, 303, headers=GOES_AWAY)
    lifetime = visit.resources.settings.session_lifetime
    visit.set_cookie(response, COOKIE, access.sealed(visit.resources, granted), lifetime)
    return response


async def end(visit: Visit, user: UUID, session: UUID) -> Response:
    """End the session, in this browser and in every application, and with it the authorization of the console."""
    resources = visit.resources
    meta = envelope(ByUser(user_id=user, session=session))
    await resources.sessions.end(session, "signed_out", meta)
    return forgotten(visit, visit.to("/signed-out"))


def forgotten(visit: Visit, response: Response) -> Response:
    """Remove both cookies of the sign-in from the browser."""
    visit.set_cookie(response, COOKIE, "", 0)
    bake(visit.resources, response, visit.resources.sessions.cookie, "", 0)
    return response


async def _id_token(visit: Visit, code: str, begun: Begun) -> Hint:
    """Redeem the code, as any client does. Raises NotSignedIn."""
    resources = visit.resources
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": registration.redirect_uri(resources),
        "code_verifier": begun.verifier,
        "client_id": registration.CLIENT_ID,
        "client_secret": registration.secret(resources).reveal(),
    }
    origin = address(visit.request.scope)
    try:
        body = await redeem(OAuthRequest(resources=resources, form=form, authorization=None, address=origin))
    except Refusal as refused:
        raise NotSignedIn(refused.error) from refused
    response = json.decode(body, type=TokenResponse)
    token = read_hint(resources.ring, resources.settings.issuer, response.id_token or "")
    if token is None or token.aud != registration.CLIENT_ID or not compare_digest(token.nonce or "", begun.nonce):
        raise NotSignedIn("invalid_request")
    return token


def _random() -> str:
    return secrets.token_urlsafe(RANDOM_BYTES)

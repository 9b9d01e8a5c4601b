"""What the exchange of a code or refresh token is decided from: its client, the authorization, and the user, as of the request."""

import sys
from collections.abc import Awaitable, Callable
from hmac import compare_digest

from msgspec import Struct

from events.authorization import Authorization, Authorized, refreshed, without_exchanged
from projections.keyed_users import KeyedUser
from projections.standing import NOTHING, Past
from service.clock import utc_now
from service.commands.handle import AUTHORIZATION, Handled, Loaded
from service.crypto.opaque_tokens import OpaqueToken
from service.grants.client_authentication import PresentedCredentials, authenticated
from service.grants.oauth_request import OAuthRequest
from service.lookup import Seen
from service.oauth.authlib_grants import AuthenticatedClient, DeviceCode
from service.oauth.authlib_server import Facts
from service.oauth.errors import Gone
from service.people.known_authorizations import Known
from service.tracing.spans import span

NOW = sys.maxsize
"""The position of what was just read: it is at least as late as whatever was looked at before."""

NOTHING_KNOWN = Known(NOTHING, NOW)


class View(Struct, frozen=True, kw_only=True):
    """What a request is decided from: its code or refresh token, its client and that one's authentication, and the authorization.

    All is as of the position `since`, or later. `epoch` is that of the lookup before the authorization was read.
    """

    token: OpaqueToken | None
    presented: PresentedCredentials | None
    seen: Seen | None
    client: AuthenticatedClient | None
    past: Past
    loaded: Loaded[Authorization]
    authorized: Authorized | None
    since: int
    epoch: int

    def facts(self, request: OAuthRequest, device: DeviceCode | None = None) -> Facts:
        issuer = request.resources.settings.issuer
        return Facts(issuer=issuer, client=self.client, authorized=self.authorized, device=device)


async def viewed(
    request: OAuthRequest,
    token: OpaqueToken | None,
    presented: PresentedCredentials | None,
    look: Callable[[OAuthRequest, PresentedCredentials | None], Awaitable[Seen | None]],
    look_back: Callable[[OAuthRequest, OpaqueToken], Awaitable[Known]],
) -> View:
    """Raises as `look` does."""
    seen = await look(request, presented)
    epoch = request.resources.lookup.epoch
    known = NOTHING_KNOWN if token is None else await look_back(request, token)
    past, loaded = known.past, known.loaded or loaded_from(known.past)
    return View(
        token=token,
        presented=presented,
        seen=seen,
        client=authenticated(presented, seen, utc_now()),
        past=past,
        loaded=loaded,
        authorized=_authorization_of(loaded.state, token, seen),
        since=known.position if seen is None else min(known.position, seen.position),
        epoch=epoch,
    )


def loaded_from(past: Past) -> Loaded[Authorization]:
    return Loaded(past.events, refreshed(AUTHORIZATION.state(past.events), past.left_out), past.left_out)


def known_after(before: Loaded[Authorization], user: KeyedUser, handled: Handled) -> Known:
    """Return what is known once this was committed, with what follows from it, so that the next exchange folds nothing."""
    past = Past(before.events, user, before.left_out).followed_by(handled.events)
    state = without_exchanged(AUTHORIZATION.following(before.state, handled.events))
    return Known(past, handled.position or 0, Loaded(past.events, state, past.left_out, handled.changes))


def active_user(past: Past) -> KeyedUser:
    """Raises Gone unless the user of the authorization is active."""
    user = active(past)
    if user is None:
        raise Gone
    return user


def active(past: Past) -> KeyedUser | None:
    """Return the user of the authorization, if it is active."""
    return past.user if past.user is not None and past.user.state == "active" else None


async def known(request: OAuthRequest, token: OpaqueToken) -> Known:
    """Return the latest past of the token's authorization, as far as this process knows: the commit finds out if something happened since."""
    authorizations = request.resources.authorizations
    return authorizations.known.take(token.authorization) or await latest(request, token)


async def latest(request: OAuthRequest, token: OpaqueToken) -> Known:
    """Return the latest past of the token's authorization: enough to find that it is the current token."""
    with span("load"):
        return Known(await request.resources.authorizations.latest(token.authorization), NOW)


async def whole(request: OAuthRequest, token: OpaqueToken) -> Known:
    """Return the past of the token's authorization."""
    with span("load"):
        return Known(await request.resources.authorizations.past(token.authorization, token.hash), NOW)


def _authorization_of(authorization: Authorization, token: OpaqueToken | None, seen: Seen | None) -> Authorized | None:
    """Return the authorization from which the code or refresh token was issued, unless it was revoked. The hash must match.

    What was granted to the client before it was deleted and restored counts as revoked.
    """
    if token is None:
        return None
    if not isinstance(authorization, Authorized) or is_of_former_life(authorization, seen):
        return None
    return authorization if _is_from(authorization, token.hash) else None


def _is_from(authorization: Authorized, presented: str) -> bool:
    """Whether this is the hash of the code or of a refresh token, of which most requests have the current one."""
    code, refresh = authorization.code, authorization.refresh
    if refresh is not None and compare_digest(refresh.hash, presented):
        return True
    if code is not None and compare_digest(code.hash, presented):
        return True
    return refresh is not None and any(compare_digest(each, presented) for each in refresh.exchanged_ever())


def is_of_former_life(authorization: Authorized, seen: Seen | None) -> bool:
    """Return whether the client was deleted and restored since it was authorized."""
    granted = authorization.granted
    return seen is not None and seen.client.stream_id == granted.client and seen.client.restored != granted.life

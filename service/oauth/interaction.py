"""The next step of an authorization request: a pure function of the request and the session, evaluated again after every page."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from projections.clients import Found
from service.oauth.authorization_request import AuthorizationRequest
from service.values.scopes import ACRS


class Present(Struct, frozen=True, kw_only=True):
    """The user of the browser's session."""

    user: UUID
    session: UUID
    authenticated_at: datetime
    acr: str


class SignIn(Struct, frozen=True):
    """There is no session, or its user is not the requested subject, or the user authenticated too long ago."""


class ChooseAccount(Struct, frozen=True):
    pass


class AskConsent(Struct, frozen=True):
    pass


class Refuse(Struct, frozen=True):
    """`prompt=none` forbids every page (OpenID Connect Core 1.0 section 3.1.2.6), or the login did not reach an essential acr."""

    error: str
    description: str


class IssueCode(Struct, frozen=True):
    """No more steps: issue the authorization code."""

    present: Present


FELL_SHORT = Refuse("access_denied", "The person logged in, but not in a way that the essential acr asks for.")
"""OpenID Connect Core 1.0 section 5.5.1.1: this counts as a failed authentication."""

CONSENT_EACH_TIME = (
    "A public client with a redirect URI on loopback or of a private-use scheme needs the person's consent each time, "
    "which prompt=none rules out. Leave out prompt=none, refresh, or use an https redirect URI."
)

Step = SignIn | ChooseAccount | AskConsent | Refuse | IssueCode


def asks_every_time(request: AuthorizationRequest, found: Found) -> bool:
    """Any program on the user's device can send this request in the client's name and receive the code.

    So an earlier consent says nothing about the present requester (RFC 8252 section 8.6, RFC 6749 section 10.2).
    """
    return found.client.public and not request.redirect_uri.startswith("https://")


def following(
    request: AuthorizationRequest, present: Present | None, *, consented: bool, now: float, every_time: bool = False
) -> Step:
    """Return the next step. `now` is in seconds since 1970.

    `consented` says that the user has consented to all these scopes for this client, or that the client needs no consent.
    `every_time` says that consent is needed nevertheless.
    """
    silent = "none" in request.prompts
    if present is None or not _is_the_one(request, present) or _proved_too_long_ago(request, present, now):
        return _sign_in(silent=silent)
    if request.essential_acrs and present.acr not in request.essential_acrs:
        return _sign_in(silent=silent) if silent or _may_still_reach_it(request, present) else FELL_SHORT
    if "select_account" in request.prompts and request.chosen != present.session:
        return ChooseAccount()
    asks_again = every_time or "consent" in request.prompts
    if not consented or (asks_again and request.consented != present.session):
        return _ask_consent(silent=silent, every_time=every_time)
    return IssueCode(present)


def _ask_consent(*, silent: bool, every_time: bool) -> Step:
    if not silent:
        return AskConsent()
    if every_time:
        return Refuse("consent_required", CONSENT_EACH_TIME)
    return Refuse("consent_required", "The person has to allow it, which prompt=none rules out.")


def _sign_in(*, silent: bool) -> Step:
    return Refuse("login_required", "Somebody has to log in, which prompt=none rules out.") if silent else SignIn()


def _may_still_reach_it(request: AuthorizationRequest, present: Present) -> bool:
    """Whether a new login could reach an essential acr. After one login for this request, another would not change the result."""
    return not _has_logged_in_for(request, present) and not set(ACRS).isdisjoint(request.essential_acrs)


def _has_logged_in_for(request: AuthorizationRequest, present: Present) -> bool:
    return present.authenticated_at.timestamp() >= request.asked_at


def _is_the_one(request: AuthorizationRequest, present: Present) -> bool:
    return request.wanted_sub in (None, str(present.user))


def _proved_too_long_ago(request: AuthorizationRequest, present: Present, now: float) -> bool:
    # A user who logged in for this request does not log in again, even if max_age is very small.
    if _has_logged_in_for(request, present):
        return False
    at = present.authenticated_at.timestamp()
    return "login" in request.prompts or (request.max_age is not None and at + request.max_age < now)

"""What comes next in an authorization, by what was asked and who is there: one pure decision, made anew after every page."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from service.oauth.asked import AuthorizationRequest


class Present(Struct, frozen=True, kw_only=True):
    """The person in front of the browser, by their session."""

    user: UUID
    session: UUID
    authenticated_at: datetime


class SignIn(Struct, frozen=True):
    """Nobody is there, or somebody else than who was asked for, or they proved themselves too long ago."""


class ChooseAccount(Struct, frozen=True):
    pass


class AskConsent(Struct, frozen=True):
    pass


class Refuse(Struct, frozen=True):
    """With `prompt=none` nobody may be asked anything (OpenID Connect Core 1.0 section 3.1.2.6)."""

    error: str
    description: str


class Grant(Struct, frozen=True):
    """Everything is said: the client gets its code."""

    present: Present


Step = SignIn | ChooseAccount | AskConsent | Refuse | Grant


def following(request: AuthorizationRequest, present: Present | None, *, consented: bool, now: float) -> Step:
    """`consented` says that this person allowed this client all of these scopes before, or that the client need not ask."""
    silent = "none" in request.prompts
    if present is None or not _is_the_one(request, present) or _proved_too_long_ago(request, present, now):
        return Refuse("login_required", "Somebody has to log in, which prompt=none rules out.") if silent else SignIn()
    if "select_account" in request.prompts and request.chosen != present.session:
        return ChooseAccount()
    if not consented or ("consent" in request.prompts and request.consented != present.session):
        return (
            Refuse("consent_required", "The person has to allow it, which prompt=none rules out.")
            if silent
            else AskConsent()
        )
    return Grant(present)


def _is_the_one(request: AuthorizationRequest, present: Present) -> bool:
    return request.wanted_sub in (None, str(present.user))


def _proved_too_long_ago(request: AuthorizationRequest, present: Present, now: float) -> bool:
    at = present.authenticated_at.timestamp()
    if "login" in request.prompts and at < request.asked_at:
        return True
    # Who logged in on the way through these pages need not do so again, however small max_age is.
    return request.max_age is not None and at < request.asked_at and at + request.max_age < now

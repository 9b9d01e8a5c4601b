"""Errors as pages for users: what happened, and what to do now."""

import logging
import time
from collections.abc import Mapping
from http import HTTPStatus

from msgspec import Struct
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from events.database import Unavailable
from service.endpoints.refusals import problem_of
from service.oauth.authorization_request import AuthorizationRequest, NoRequest, begun_again
from service.oauth.errors import Shown, UsedRequestUri
from service.pages.browser import CONTINUE, Visit, keep_browser, visit_of
from service.problems import Problem
from service.refusals import AnyDomainRefusal, TooManyAttempts
from service.request_id import this_request

LOGOUT = "/openid/logout"

log = logging.getLogger("muniment.pages")


class BadForm(Exception):
    """The form is not one that this server gave to this browser, or it is malformed."""


class Told(Struct, frozen=True, kw_only=True):
    """The content of the page. `again` is the target of a button with the text `label`. `technical` is for the client's developers and is
    not translated.
    """

    status: int
    title: str
    sentences: tuple[str, ...]
    again: str | None = None
    label: str | None = None
    technical: tuple[str, ...] = ()
    headers: Mapping[str, str] = {}


def is_person(request: Request) -> bool:
    """Return whether the request is from a browser that shows a page to a user."""
    return request.method in ("GET", "HEAD") and "text/html" in request.headers.get("accept", "")


async def refuse(request: Request, fault: Exception) -> Response:
    """Respond if an endpoint raises Shown or NoRequest, and if a user's browser requests a path that does not exist."""
    visit = visit_of(request)
    response = page_of(visit, fault)
    keep_browser(visit, response)
    return response


def page_of(visit: Visit, fault: Exception) -> Response:
    """Return the page, with the status and the headers that programs get for the same fault."""
    told = _told(visit, fault)
    response = visit.page("error.html", told.status, told=told)
    response.headers.update(told.headers)
    return response


def _told(visit: Visit, fault: Exception) -> Told:
    match fault:
        case UsedRequestUri():
            return _used(visit, fault)
        case Shown():
            return _shown(visit, fault)
        case NoRequest():
            return _over(visit, fault.expired)
        case BadForm():
            return _bad_form(visit)
        case TooManyAttempts():
            return _too_many(visit, fault)
        case _ if isinstance(fault, AnyDomainRefusal):
            problem = problem_of(fault)
            return _refused(visit, problem.status, problem.headers, fault.detail)
        case Unavailable():
            visit.resources.outages.notice(fault)
            return _away(visit)
        case HTTPException():
            return _refused(visit, fault.status_code, fault.headers or {}, fault.detail)
        case Problem():
            return _refused(visit, fault.status, fault.headers, fault.detail)
        case _:
            return _failed(visit, fault)


def _shown(visit: Visit, fault: Shown) -> Told:
    """Describe a client's error. The user can only leave, and inform the client's developer."""
    _ = visit.gettext
    if visit.request.scope["path"].endswith(LOGOUT):
        title = _("You weren't signed out")
        sentences = (_("The application sent a request with an error."), _("You can sign out in your account."))
    elif fault.status == HTTPStatus.FORBIDDEN:
        title = _("This application is disabled")
        sentences = (_("You can't sign in to it right now."), _("If you need access, contact its developer."))
    else:
        title = _("This sign-in can't continue")
        sentences = (
            _("The application sent a request with an error."),
            _("Go back and try again. If that doesn't help, contact its developer and mention the details below."),
        )
    return Told(status=fault.status, title=title, sentences=sentences, technical=(f"{fault.title}.", *fault.details))


def _used(visit: Visit, fault: UsedRequestUri) -> Told:
    _ = visit.gettext
    return Told(
        status=fault.status,
        title=_("This sign-in can't continue"),
        sentences=(
            _("This link to sign in was already used, or it has expired."),
            _("Go back to the application and sign in again."),
        ),
        technical=(f"{fault.title}.", *fault.details),
    )


def _over(visit: Visit, expired: AuthorizationRequest | None) -> Told:
    """Describe a page that was open for too long. A pushed request cannot start over: its client must push a new one (RFC 9126)."""
    _ = visit.gettext
    if expired is not None and expired.pushed is None:
        return Told(
            status=400,
            title=_("That took too long"),
            sentences=(_("This page was open for more than an hour."), _("For your security, please start over.")),
            again=visit.__replace__(asked=begun_again(expired, time.time())).url(CONTINUE),
            label=_("Start over"),
        )
    return Told(
        status=400,
        title=_("This sign-in can't continue"),
        sentences=(
            _("This page was open for more than an hour, or its address is incomplete."),
            _("Go back to the application and sign in again."),
        ),
    )


def _bad_form(visit: Visit) -> Told:
    _ = visit.gettext
    return Told(
        status=403,
        title=_("Please try again"),
        sentences=(
            _("We couldn't confirm that this form came from your browser, so nothing was changed."),
            _("Make sure that your browser accepts cookies from this site, then go back and send the form again."),
        ),
        again=visit.url(visit.request.scope["path"], next=visit.given("next")),
    )


def _too_many(visit: Visit, fault: TooManyAttempts) -> Told:
    _ = visit.gettext
    seconds = str(fault.seconds)
    return Told(
        status=429,
        title=_("Too many attempts"),
        sentences=(
            _("There were too many failed attempts in the last minute."),
            visit.ngettext(
                "Wait {seconds} second, then try again.", "Wait {seconds} seconds, then try again.", int(seconds)
            ).format(seconds=seconds),
        ),
        again=visit.url(visit.request.scope["path"], next=visit.given("next")),
        headers={"Retry-After": seconds},
    )


def _away(visit: Visit) -> Told:
    _ = visit.gettext
    return Told(
        status=503,
        title=_("Temporarily unavailable"),
        sentences=(_("Nothing was changed. Wait a few seconds, then try again."),),
        again=visit.url(visit.request.scope["path"], next=visit.given("next")),
        headers={"Retry-After": "1"},
    )


def _refused(visit: Visit, status: int, headers: Mapping[str, str], detail: str) -> Told:
    _ = visit.gettext
    if status == 404:
        return Told(
            status=404,
            title=_("Page not found"),
            sentences=(_("The address may be mistyped, or the page may no longer exist."),),
            headers=headers,
        )
    if status in (405, 413):
        return Told(
            status=status,
            title=_("That didn't work"),
            sentences=(_("This page can't accept what was sent to it."),),
            headers=headers,
        )
    return Told(
        status=status,
        title=_("That didn't work"),
        sentences=(_("Go back and try again."),),
        technical=(detail,),
        headers=headers,
    )


def _failed(visit: Visit, fault: Exception) -> Told:
    _ = visit.gettext
    request_id = this_request()
    log.error("request %s failed", request_id, exc_info=fault)
    return Told(
        status=500,
        title=_("Something went wrong"),
        sentences=(
            _("This is our fault, not yours."),
            _("If it happens again, contact your administrator and mention request ID {request_id}.").format(
                request_id=request_id
            ),
        ),
    )

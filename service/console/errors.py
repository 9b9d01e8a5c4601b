"""Errors as pages of the console: what happened, and what to do now.

The texts of a problem are the API's, in English; those about the console itself are in the reader's language.
"""

import logging
import re
from collections.abc import Mapping, Sequence
from urllib.parse import quote

from msgspec import Struct
from starlette.exceptions import HTTPException
from starlette.responses import Response

from events.database import Overloaded, Unavailable
from service.console import rendering
from service.console.access import Access
from service.console.api import Refused
from service.console.language import N_, catalogue
from service.console.place import CALLBACK, PATH
from service.console.registration import NotOurs
from service.console.registry import screens
from service.console.screen import ConsoleVisit, Screen
from service.console.sign_in import NotSignedIn
from service.endpoints.refusals import problem_of
from service.http.origin import below
from service.pages import csrf
from service.pages.browser import Visit, master_key
from service.pages.errors import BadForm
from service.problems import Problem
from service.refusals import AnyDomainRefusal
from service.request_id import this_request
from service.values.roles import ROLES, SCOPES_OF

_scopes_lacking = re.compile(r'error="insufficient_scope", scope="([^"]*)"').search
log = logging.getLogger("muniment.console")


class SignedOut(Exception):
    """A form came without a valid sign-in."""


class AnotherSession(Exception):
    """A form came from a page that another person, or an earlier session, was given."""


class ReadElsewhere(Exception):
    """Another site requested the page as a part of its own, or a browser requested it ahead of time."""


class CredentialInAddress(Exception):
    """A secret, a code or a token stands in the address of the page."""


class NoRole(Exception):
    """The person is signed in and has no role."""


class RoleElsewhere(Exception):
    """The person has a role through a group, and is signed in without the upstream provider."""


class Outside(Exception):
    """None of the person's roles reaches this page."""


class Told(Struct, frozen=True, kw_only=True):
    """`detail` is the API's sentence, in English. `again` says that the same page may work in a moment, or after a new sign-in.

    `request` is what support needs to find the fault in the log. `list_label` and `list_path` lead to the list of what is missing.
    `roles` are those that allow it.
    """

    status: int
    title: str
    sentence: str
    detail: str = ""
    again: bool = False
    errors: Mapping[str, list[str]] = {}
    headers: Mapping[str, str] = {}
    request: str = ""
    list_label: str = ""
    list_path: str = ""
    roles: Sequence[str] = ()


SIGN_IN_AGAIN = N_("You're signed out")
TOLD: Mapping[type[Exception], Told] = {
    SignedOut: Told(
        status=401, title=SIGN_IN_AGAIN, sentence=N_("Nothing was changed. Sign in, then try again."), again=True
    ),
    AnotherSession: Told(
        status=403,
        title=N_("This form is from another session"),
        sentence=N_("Nothing was changed. Open the page again, then try again."),
        again=True,
    ),
    BadForm: Told(
        status=403,
        title=N_("This form can't be used"),
        sentence=N_("Nothing was changed. Open the page again, then try again."),
        again=True,
    ),
    ReadElsewhere: Told(
        status=403,
        title=N_("This page is not a part of others"),
        sentence=N_("Another site, or your browser ahead of time, requested it. Open the page yourself."),
        again=True,
    ),
    CredentialInAddress: Told(
        status=400,
        title=N_("There is a secret or a token in the address"),
        sentence=N_(
            "Nothing of it was recorded here, but your browser and proxies keep addresses. Delete it from the browser's history, and"
            " revoke it. To learn what it belongs to, paste it into the form under Blast radius."
        ),
    ),
    NoRole: Told(
        status=403,
        title=N_("You have no role here"),
        sentence=N_(
            "The console is for operators, auditors and owners of applications. Ask an operator to give you a role."
        ),
    ),
    RoleElsewhere: Told(
        status=403,
        title=N_("Sign in through the provider"),
        sentence=N_(
            "You have your role through a group, so it counts only while you're signed in through the upstream provider. Sign out,"
            " then sign in through it."
        ),
    ),
    Outside: Told(
        status=403,
        title=N_("Your role doesn't include this page"),
        sentence=N_("Ask an operator for another role if you need it."),
    ),
    Unavailable: Told(
        status=503,
        title=N_("Temporarily unavailable"),
        sentence=N_("The database can't be reached. Nothing was changed. Wait a few seconds, then try again."),
        again=True,
        headers={"Retry-After": "1"},
    ),
    Overloaded: Told(
        status=503,
        title=N_("Too much to do"),
        sentence=N_(
            "The server has more to do than it can in time. Nothing was changed. Wait a few seconds, then try again."
        ),
        again=True,
        headers={"Retry-After": "1"},
    ),
}


def page_of(visit: Visit, access: Access | None, screen: Screen | None, fault: Exception) -> Response:
    told = _told(visit, fault)
    if isinstance(fault, Outside) and screen is not None and screen.needs is not None:
        told = told.__replace__(roles=_roles_with([screen.needs]))
    if isinstance(fault, Refused) and told.status == 404 and access is not None and screen is not None:
        told = _missing(told, access, screen)
    if access is not None and access.roles:
        shown = ConsoleVisit(visit, access, screen, screens())
        title = shown.gettext(told.title)
        response = shown.page("problem.html", title=title, status=told.status, told=told)
    else:
        title = catalogue(visit.language).gettext(told.title)
        text = rendering.html(
            "outside.html",
            visit.language,
            title=title,
            told=told,
            here=_here(visit),
            person=access and access.person,
            base=below(visit.resources.settings.issuer),
            csrf=_csrf(visit, access),
        )
        response = rendering.page(text, told.status)
    response.headers.update(told.headers)
    return response


class Missing(Struct, frozen=True, kw_only=True):
    """What a page says if what it is about is missing: to who may see all of them, to who may see only their own; and where they are."""

    of_all: str
    of_own: str
    every: str


MISSING: Mapping[str, Missing] = {
    "/clients": Missing(
        of_all=N_("There is no client with this ID."),
        of_own=N_("This client doesn't exist, or isn't yours."),
        every=N_("All clients"),
    ),
    "/bots": Missing(
        of_all=N_("There is no bot with this ID."),
        of_own=N_("This bot doesn't exist, or isn't yours."),
        every=N_("All bots"),
    ),
    "/users": Missing(
        of_all=N_("There is no user with this ID."),
        of_own=N_("There is no user with this ID."),
        every=N_("All users"),
    ),
    "/tokens": Missing(
        of_all=N_("There is no token with this ID."),
        of_own=N_("There is no token with this ID."),
        every=N_("All tokens"),
    ),
    "/trusted-issuers": Missing(
        of_all=N_("There is no trusted issuer with this ID."),
        of_own=N_("There is no trusted issuer with this ID."),
        every=N_("All trusted issuers"),
    ),
}


def _missing(told: Told, access: Access, screen: Screen) -> Told:
    section = "/".join(screen.path.split("/")[:2])
    missing = MISSING.get(section)
    if missing is None:
        return told
    sentence = missing.of_all if access.caller.reach is None else missing.of_own
    return told.__replace__(sentence=sentence, detail="", list_label=missing.every, list_path=section)


def _told(visit: Visit, fault: Exception) -> Told:
    if isinstance(fault, Unavailable):
        visit.resources.outages.notice(fault)
        return TOLD.get(type(fault), TOLD[Unavailable])
    if (known := TOLD.get(type(fault))) is not None:
        return known
    if isinstance(fault, AnyDomainRefusal):
        fault = problem_of(fault)
    match fault:
        case Refused():
            return _refused(fault)
        case Problem():
            return Told(
                status=fault.status,
                title=N_("That didn't work"),
                sentence="",
                detail=fault.detail,
                headers=fault.headers,
            )
        case NotOurs():
            return Told(
                status=503,
                title=N_("The console is closed"),
                sentence=N_("The console needs a client of its own to sign you in."),
                detail=fault.detail,
            )
        case NotSignedIn():
            return _not_signed_in(fault)
        case HTTPException() if fault.status_code == 404:
            return Told(
                status=404,
                title=N_("Page not found"),
                sentence=N_("The address may be mistyped, or the page may no longer exist."),
            )
        case _:
            return _failed(fault)


def _refused(fault: Refused) -> Told:
    problem = fault.problem
    titles = {
        403: N_("You may not do this"),
        404: N_("Not found"),
        409: N_("This contradicts the current state"),
        412: N_("Another person changed this"),
        429: N_("Too many requests"),
        503: N_("Temporarily unavailable"),
    }
    if (lacking := _scopes_lacking(fault.headers.get("www-authenticate", ""))) is not None:
        sentence = N_("Your role doesn't allow this. Nothing was changed.")
        return Told(status=403, title=titles[403], sentence=sentence, roles=_roles_with(lacking[1].split()))
    kept = {name: value for name, value in fault.headers.items() if name == "retry-after"}
    return Told(
        status=problem.status,
        title=titles.get(problem.status, N_("That didn't work")),
        sentence="",
        detail=problem.detail,
        errors=fault.errors,
        headers=kept,
        again=problem.status in (412, 429, 503),
    )


def _roles_with(scopes: Sequence[str]) -> list[str]:
    return [role for role in ROLES if set(scopes) <= set(SCOPES_OF[role])]


def _not_signed_in(fault: NotSignedIn) -> Told:
    if fault.error == "access_denied":
        return Told(
            status=403,
            title=N_("The console needs a second step"),
            sentence=N_(
                "Add a passkey or an authenticator app to your account, under Security. Then open the console again."
            ),
        )
    return Told(
        status=400,
        title=N_("The sign-in didn't finish"),
        sentence=N_("It may have taken too long, or was begun in another browser. Open the console again."),
        detail=fault.error if fault.error.isascii() and len(fault.error) < 100 else "",
    )


def _failed(fault: Exception) -> Told:
    request_id = this_request()
    log.error("request %s failed", request_id, exc_info=fault)
    return Told(
        status=500,
        title=N_("Something went wrong"),
        sentence=N_("This is our fault, not yours. The log has the details under this request ID:"),
        request=str(request_id),
    )


def _here(visit: Visit) -> str:
    """The page that was asked for: without the answers of the sign-in in its query."""
    path = visit.request.scope["path"]
    return f"{below(visit.resources.settings.issuer)}{PATH if path == CALLBACK else quote(path)}"


def _csrf(visit: Visit, access: Access | None) -> str:
    return csrf.token(master_key(visit.resources), visit.browser, str(access.session) if access else "")

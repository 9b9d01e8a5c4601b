"""The console as an ASGI application: its pages, the sign-in, the sign-out, and its files."""

from collections.abc import Awaitable, Callable, Sequence
from functools import cache, partial
from urllib.parse import quote
from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from service.console import assets, errors, language, recent_sign_in, sign_in
from service.console.access import Access, access_of
from service.console.errors import (
    AnotherSession,
    CredentialInAddress,
    NoRole,
    Outside,
    ReadElsewhere,
    RoleElsewhere,
    SignedOut,
)
from service.console.place import ASSETS, CALLBACK, PATH, SIGN_OUT
from service.console.registry import screens
from service.console.screen import ConsoleVisit, Screen
from service.http.asgi import respond
from service.http.busy import BusyPaths
from service.http.complete import Complete, Refuse
from service.http.methods import action_of
from service.http.origin import below
from service.pages import csrf
from service.pages.browser import Form, Visit, keep_browser, master_key, visit_of
from service.pages.language import chosen
from service.pages.page import check_form, read_form
from service.values.credential_form import has_credential

MOST_FIELDS = 400
"""Of a client with as many workloads and permissions as the API takes: 20 of each."""

Action = Callable[[Visit, Access | None], Awaitable[Response]]


class Site:
    def __init__(self, routes: Sequence[Route]) -> None:
        self._busy = BusyPaths(routes)
        self._router = Router([*routes, Route(f"{PATH}/{{rest:path}}", Page(get=_nowhere))], redirect_slashes=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (self._busy.find(scope) or self._router)(scope, receive, send)


@cache
def site(refuse: Refuse) -> ASGIApp:
    """`refuse` responds to what is wrong with the request for a file. A page does so itself."""
    return Site(
        [
            Route(f"{ASSETS}/{{name}}", _Files(refuse)),
            Route(CALLBACK, Page(get=_callback)),
            Route(SIGN_OUT, Page(post=_sign_out)),
            *(Route(PATH + screen.path, _page(screen)) for screen in screens()),
        ]
    )


class _Files:
    """The files of the console. Another method than GET is refused by a page, like everything else below its path."""

    def __init__(self, refuse: Refuse) -> None:
        self._file, self._page = Complete(assets.static, refuse, ("GET",)), Page(get=_nowhere)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (self._file if scope["method"] in ("GET", "HEAD") else self._page)(scope, receive, send)


class Page:
    """One path of the console, as an ASGI application. For every error the person gets a page, and the log gets the error."""

    def __init__(self, *, get: Action | None = None, post: Action | None = None, screen: Screen | None = None) -> None:
        self._actions = {method: action for method, action in (("GET", get), ("POST", post)) if action is not None}
        self._screen = screen

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        visit, access = _visit(request), None
        try:
            action = action_of(self._actions, request.method)
            _check_reader(request)
            _check_address(request)
            access = await access_of(visit)
            if request.method == "POST":
                visit = _visit(request, await read_form(request, MOST_FIELDS))
                check_form(visit)
            response = await action(visit, access)
        except Exception as fault:  # noqa: BLE001 - for every error, the person gets a page and the log gets the error
            response = errors.page_of(visit, access, self._screen, fault)
        keep_browser(visit, response)
        await respond(scope, receive, send, response, {})


def _page(screen: Screen) -> Page:
    post = None if screen.post is None else partial(_shown, screen)
    return Page(get=partial(_shown, screen), post=post, screen=screen)


def _visit(request: Request, form: Form | None = None) -> Visit:
    visit = visit_of(request, form)
    return visit.__replace__(language=chosen((), request.headers.get("accept-language"), language.LANGUAGES))


async def _shown(screen: Screen, visit: Visit, access: Access | None) -> Response:
    if access is None:
        return await _signed_out(visit)
    if not access.roles:
        raise RoleElsewhere if access.elsewhere else NoRole
    if screen.needs is not None and not access.may(screen.needs):
        raise Outside
    if visit.request.method != "POST":
        return await screen.get(ConsoleVisit(visit, access, screen, screens()))
    _check_session(visit, access.session)
    assert screen.post is not None
    sent = ConsoleVisit(visit, access, screen, screens())
    if screen.sensitive is not None and screen.sensitive(visit.form) and not access.is_recent:
        return await recent_sign_in.ask(sent)
    return await screen.post(sent)


async def _signed_out(visit: Visit) -> Response:
    """A GET begins the sign-in; what a form said is lost, so the person is told. Raises SignedOut, NotOurs."""
    if visit.request.method == "POST":
        raise SignedOut
    here = f"{below(visit.resources.settings.issuer)}{quote(visit.request.scope['path'])}"
    query = visit.request.scope["query_string"].decode("latin-1")
    return await sign_in.begin(visit, f"{here}?{query}" if query else here)


def _check_reader(request: Request) -> None:
    """Raises ReadElsewhere before anything is read. Whether a form is from elsewhere, `check_form` says."""
    if request.method != "POST" and csrf.is_read_elsewhere(request.headers):
        raise ReadElsewhere


def _check_address(request: Request) -> None:
    """Raises CredentialInAddress before anything is read, and before a sign-in puts the address into its own."""
    if request.scope["path"] != CALLBACK and has_credential(
        text for pair in (*request.query_params.multi_items(), *request.path_params.items()) for text in map(str, pair)
    ):
        raise CredentialInAddress


def _check_session(visit: Visit, session: UUID) -> None:
    """Raises AnotherSession if another person has signed in since the browser got the form."""
    if not csrf.is_of(master_key(visit.resources), visit.browser, str(session), visit.form["csrf"]):
        raise AnotherSession


async def _callback(visit: Visit, _access: Access | None) -> Response:
    return await sign_in.finish(visit)


async def _sign_out(visit: Visit, access: Access | None) -> Response:
    """The session ends also if the console's authorization is gone already."""
    if access is not None:
        user, session = access.user, access.session
    elif (signed_in := await visit.signed_in()) is not None:
        user, session = signed_in.user.stream_id, signed_in.session.stream_id
    else:
        return sign_in.forgotten(visit, visit.to("/signed-out"))
    _check_session(visit, session)
    return await sign_in.end(visit, user, session)


async def _nowhere(visit: Visit, access: Access | None) -> Response:
    if access is None:
        return await _signed_out(visit)
    raise HTTPException(404)

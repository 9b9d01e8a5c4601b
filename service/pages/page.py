"""The pages as ASGI applications: a GET shows a page; a POST carries out a form and redirects."""

from collections.abc import Awaitable, Callable
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from service.http.asgi import BodyCutShort, BodyTooLong, read_body
from service.http.methods import action_of
from service.oauth.form import is_form
from service.pages import csrf
from service.pages.browser import Form, Visit, keep_browser, master_key, visit_of
from service.pages.errors import BadForm, page_of
from service.problems import TooLarge

MOST_FIELDS = 30

Action = Callable[[Visit], Awaitable[Response]]


class Page:
    """One path of the pages, as an ASGI application. Every POST must come from a form that this browser was given.

    A form of a `personal` page is not carried out for another user who has signed in since, in another tab.
    """

    def __init__(self, *, get: Action | None = None, post: Action | None = None, personal: bool = False) -> None:
        self._personal = personal
        self._actions = {method: action for method, action in (("GET", get), ("POST", post)) if action is not None}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        visit = visit_of(request)
        try:
            action = action_of(self._actions, request.method)
            if request.method == "POST":
                visit = visit_of(request, await read_form(request))
                check_form(visit)
            visit.resources.requests.open(sealed) if (sealed := visit.given("request")) else None
            anew = self._personal and request.method == "POST" and not _is_of_this_session(visit)
            response = visit.to(request.scope["path"]) if anew else await action(visit)
        except Exception as fault:  # noqa: BLE001 - for every error, the user gets a page and the log gets the error
            response = page_of(visit, fault)
        keep_browser(visit, response)
        await response(scope, receive, send)


async def read_form(request: Request, most: int = MOST_FIELDS) -> Form:
    """Return the fields of the form, in UTF-8 and each once, `most` of them. Raises BadForm, TooLarge."""
    if not is_form(request.headers.get("content-type", "")):
        raise BadForm
    try:
        body = await read_body(request.scope, request.receive)
        pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=most)
    except BodyTooLong as fault:
        raise TooLarge("The form is longer than 64 KiB.") from fault
    except (BodyCutShort, ValueError) as fault:
        raise BadForm from fault
    form = dict(pairs)
    if len(form) != len(pairs):
        raise BadForm
    return form


def check_form(visit: Visit) -> None:
    """Raises BadForm if the form is not one that this browser was given."""
    resources = visit.resources
    elsewhere = csrf.from_elsewhere(visit.request.headers, resources.settings.issuer)
    if elsewhere or not csrf.is_token(master_key(resources), visit.cookie("csrf"), visit.form.get("csrf")):
        raise BadForm


def _is_of_this_session(visit: Visit) -> bool:
    return csrf.is_of(master_key(visit.resources), visit.browser, visit.session, visit.form["csrf"])

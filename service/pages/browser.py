"""One request of a user's browser: its language, its cookies, the client that waits, and the ways to respond."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from events.envelope import ByUser, Meta
from service.http.asgi import cookie, resources_of
from service.http.origin import below
from service.oauth.authorization_request import AuthorizationRequest, NoRequest
from service.pages import csrf, language, rendering
from service.people.sessions import SignedIn
from service.people.signed import cookie_name
from service.request_id import envelope
from service.resources import Resources

HALF_A_YEAR = 180 * 24 * 3600
ACCOUNT = "/account"
CONTINUE = "/openid/continue"
SAID, FAULT = "said", "fault"

Form = Mapping[str, str]


class Visit(Struct, frozen=True, kw_only=True):
    """`browser` is the random value of its cookie, to which forms are bound. `asked` is the authorization request that waits, if any."""

    request: Request
    resources: Resources
    language: str
    browser: str
    asked: AuthorizationRequest | None
    form: Form

    def __repr__(self) -> str:
        return f"Visit({self.request.scope['path']!r})"

    def given(self, name: str) -> str:
        """Return a field of the form. Only a GET may have it in its query instead, because queries stay in histories and logs."""
        if self.request.method == "POST":
            return self.form.get(name, "")
        return self.form.get(name) or self.request.query_params.get(name, "")

    def told(self, name: str) -> str:
        """Return a message from another page of ours (SAID, FAULT). Text that a stranger wrote into a link is ignored."""
        return csrf.noted(master_key(self.resources), self.browser, self.given(name))

    def gettext(self, text: str) -> str:
        return language.catalogue(self.language).gettext(text)

    def ngettext(self, one: str, many: str, number: int) -> str:
        return language.catalogue(self.language).ngettext(one, many, number)

    def cookie(self, name: str) -> str | None:
        return cookie(self.request.scope, cookie_name(f"muniment_{name}", self.resources.settings))

    def set_cookie(self, response: Response, name: str, value: str, seconds: int) -> None:
        bake(self.resources, response, cookie_name(f"muniment_{name}", self.resources.settings), value, seconds)

    @property
    def session(self) -> str:
        """The session id of this browser's cookie, in any state of the session; "" without one."""
        sessions = self.resources.sessions
        named = sessions.named(cookie(self.request.scope, sessions.cookie))
        return "" if named is None else str(named)

    async def signed_in(self) -> SignedIn | None:
        """Return the current session and user, from the current state of the database."""
        sessions = self.resources.sessions
        return await sessions.current(cookie(self.request.scope, sessions.cookie))

    def goal(self) -> AuthorizationRequest:
        """Return the authorization request, on pages that lead back to the client. Raises NoRequest."""
        if self.asked is None:
            raise NoRequest("No valid authorization request came with this page.")
        return self.asked

    def url(self, path: str, **query: str) -> str:
        """Return the URL of a path of this server, with the authorization request in its query."""
        sealed = {"request": self.resources.requests.close(self.asked)} if self.asked else {}
        parameters = urlencode(
            {**sealed, **{name: self._carried(name, value) for name, value in query.items() if value}}
        )
        return f"{below(self.resources.settings.issuer)}{path}{'?' if parameters else ''}{parameters}"

    def _carried(self, name: str, value: str) -> str:
        return csrf.note(master_key(self.resources), self.browser, value) if name in (SAID, FAULT) else value

    def page(self, template: str, status: int = 200, **context: Any) -> Response:
        """Return the page. Its forms may lead to this server, and to the client that waits."""
        text = rendering.html(
            template,
            self.language,
            csrf=csrf.token(master_key(self.resources), self.browser, self.session),
            request=self.resources.requests.close(self.asked) if self.asked else "",
            url=self.url,
            base=below(self.resources.settings.issuer),
            **context,
        )
        return rendering.page(
            text, *([self.asked.redirect_uri] if self.asked and self.asked.redirect_uri else []), status=status
        )

    def to(self, path: str, **query: str) -> Response:
        """Redirect to another page, with GET."""
        return RedirectResponse(self.url(path, **query), 303, headers={"Cache-Control": "no-store"})

    def onward(self, **answered: Any) -> Response:
        """Redirect to the authorization endpoint, which knows the next step. `answered` has the user's answers."""
        going = self.__replace__(asked=self.goal().__replace__(**answered))
        return going.to(CONTINUE)


def visit_of(request: Request, form: Form | None = None) -> Visit:
    """Return the visit, even if its request is faulty: a refusal is a page in the user's language, too."""
    resources = resources_of(request.scope)
    given = form or {}
    asked = _asked(resources, given.get("request") or request.query_params.get("request", ""))
    locales = asked.ui_locales if asked else tuple(request.query_params.get("ui_locales", "").split())
    return Visit(
        request=request,
        resources=resources,
        language=language.chosen(locales, request.headers.get("accept-language")),
        browser=cookie(request.scope, cookie_name("muniment_csrf", resources.settings)) or csrf.new_browser(),
        asked=asked,
        form=given,
    )


def _asked(resources: Resources, text: str) -> AuthorizationRequest | None:
    try:
        return resources.requests.open(text) if text else None
    except NoRequest:
        return None


def keep_browser(visit: Visit, response: Response) -> None:
    """Set the cookie to which forms are bound, if the browser does not have it yet."""
    if visit.cookie("csrf") != visit.browser:
        visit.set_cookie(response, "csrf", visit.browser, HALF_A_YEAR)


def by(signed_in: SignedIn) -> Meta:
    """Return the envelope for the user's actions on these pages."""
    actor = ByUser(user_id=signed_in.user.stream_id, session=signed_in.session.stream_id)
    return envelope(actor)


def bake(resources: Resources, response: Response, name: str, value: str, seconds: int) -> None:
    """Set a cookie that no script can read. With 0 seconds, the browser deletes it."""
    secure = resources.settings.issuer.startswith("https:")
    response.set_cookie(name, value, seconds, path="/", secure=secure, httponly=True, samesite="lax")


def master_key(resources: Resources) -> bytes:
    key = resources.settings.master_key
    assert key is not None
    return key

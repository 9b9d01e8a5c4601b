"""One page of the console, and one request for it by a person with a role."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, Literal
from urllib.parse import quote, urlencode

from msgspec import Struct
from starlette.responses import RedirectResponse, Response

from service.console import kept_form, language, rendering
from service.console.access import Access
from service.console.api import Api
from service.console.kept_form import KeptForm
from service.console.notices import Kind, Notice, keep, taken
from service.console.place import PATH, segment
from service.http.origin import below
from service.pages import csrf
from service.pages.browser import Form, Visit, master_key

RETURNED = language.N_("Nothing was changed yet. The form is as you left it: send it again.")
WITHOUT_PASSWORD = language.N_(
    "Nothing was changed yet. The form is as you left it, but no password is kept: type it again, then send the form."
)

Group = Literal["home", "directory", "evidence", "operation"]


class Link(Struct, frozen=True, kw_only=True):
    """The page's place in the navigation. `label` is in English, marked by N_; `icon` is a name of templates/icons.html."""

    group: Group
    order: int
    label: str
    icon: str


class Tab(Struct, frozen=True, kw_only=True):
    """The page is one of several about the same thing. Those whose `of` is the path of its first page are shown as its tabs."""

    of: str
    order: int
    label: str


class Crumb(Struct, frozen=True):
    """A page above this one: its name in the reader's language, and its path below /console."""

    label: str
    path: str


class Screen(Struct, frozen=True, kw_only=True):
    """`path` is below /console, such as `/clients/{client_id}`. `needs` is the scope without which nobody sees the page.

    `post` carries out the forms of the page. What it may change is for the API to decide. `sensitive` says which of the forms need a
    recent sign-in (recent_sign_in.py); the page then shows the form again as it was (forms.py, `untouched`). `below` is the path of the
    page in the navigation that it belongs to, if that is not part of its own path.
    """

    path: str
    get: "Show"
    post: "Show | None" = None
    sensitive: Callable[[Form], bool] | None = None
    needs: str | None = None
    below: str = ""
    link: Link | None = None
    tab: Tab | None = None


class ConsoleVisit:
    """One request for a page of the console. `browser` is the same request as the sign-in pages see it."""

    def __init__(self, browser: Visit, access: Access, screen: Screen | None, navigation: Sequence[Screen]) -> None:
        self.browser = browser
        self.access = access
        self.screen = screen
        self.api = Api(browser.request.scope, access.caller)
        self._navigation = navigation

    @cached_property
    def query(self) -> Mapping[str, str]:
        """The parameters that have a value."""
        return {name: value for name, value in self.browser.request.query_params.items() if value}

    @property
    def form(self) -> Form:
        return self.browser.form

    @cached_property
    def _kept(self) -> KeptForm | None:
        return kept_form.returned(self.browser, self.access.user) if self.browser.request.method == "GET" else None

    @property
    def returned(self) -> Form:
        """The form that waited while the person signed in again; empty if none did."""
        return {} if self._kept is None else self._kept.fields

    @property
    def reason(self) -> str | None:
        """The reason in the form; None if it is blank."""
        return self.form.get("reason", "").strip() or None

    def param(self, name: str) -> str:
        """A part of the path, such as `client_id`."""
        return self.browser.request.path_params[name]

    def may(self, scope: str) -> bool:
        return self.access.may(scope)

    def gettext(self, text: str) -> str:
        return language.catalogue(self.browser.language).gettext(text)

    @cached_property
    def _base(self) -> str:
        return below(self.browser.resources.settings.issuer)

    @property
    def here(self) -> str:
        """The URL of this page, without its query: where its forms are sent."""
        return f"{self._base}{quote(self.browser.request.scope['path'])}"

    def at(self, *segments: object, **query: str | None) -> str:
        """Return the URL of a page: `at("clients", client_id)` is /console/clients/…, with each segment quoted."""
        path = "".join([segment(str(each)) for each in segments])
        return f"{self._base}{PATH}{path}{_query(query)}"

    def here_with(self, **query: str | None) -> str:
        """Return the URL of this page with another query."""
        return f"{self.here}{_query(query)}"

    def page(
        self, template: str, *, title: str, crumbs: Sequence[Crumb] = (), status: int = 200, **context: Any
    ) -> Response:
        """Return the page. Every value that the template writes is made visible and escaped (rendering.py)."""
        returned = self._kept if status == 200 else None
        notice = taken(self.browser) or (None if returned is None else self._about(returned))
        key, browser = master_key(self.browser.resources), self.browser
        text = rendering.html(
            template,
            browser.language,
            title=title,
            crumbs=crumbs,
            notice=notice,
            visit=self,
            at=self.at,
            base=self._base,
            here=self.here,
            csrf=csrf.token(key, browser.browser, str(self.access.session)),
            navigation=rendering.navigation(self._navigation, self.access, self.screen, browser.language, self._base),
            tabs=rendering.tabs(self._navigation, self.access, self.screen, browser),
            **context,
        )
        response = rendering.page(text, status)
        if notice is not None:
            keep(browser, response, None)
        if returned is not None:
            kept_form.forget(browser, response)
        return response

    def _about(self, kept: KeptForm) -> Notice:
        if kept.lacks_password:
            return Notice(text=self.gettext(WITHOUT_PASSWORD), kind="bad")
        return Notice(text=self.gettext(RETURNED), kind="good")

    def to(self, location: str, said: str = "", kind: Kind = "good") -> Response:
        """Redirect to another page, whose URL `at` made; it shows the message once."""
        response = RedirectResponse(location, 303, headers={"Cache-Control": "no-store"})
        if said:
            keep(self.browser, response, Notice(text=said, kind=kind))
        return response


def _query(query: Mapping[str, str | None]) -> str:
    """Return the query of a URL, without the parameters that have no value."""
    given = query and {name: value for name, value in query.items() if value}
    return f"?{urlencode(given)}" if given else ""


Show = Callable[[ConsoleVisit], Awaitable[Response]]

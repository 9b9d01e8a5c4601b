"""Somebody's browser without JavaScript: it keeps cookies, reads forms, fills them in, and follows no redirect by itself."""

import html.parser
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from msgspec import Struct

from service.oauth.authorization_request import AuthorizationRequest
from tests.flows.conftest import Live
from tests.flows.people import CALLBACK, PASSWORD

AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"


class Form(Struct):
    """`buttons` are those that say something when they are pressed; `options` is what it asks a passkey for, as JSON."""

    action: str
    fields: dict[str, str]
    buttons: list[tuple[str, str]]
    options: str = ""


class Shown(html.parser.HTMLParser):
    """A page as it was answered: its words, its forms, and what it loads."""

    def __init__(self, answer: httpx.Response) -> None:
        super().__init__()
        self.status = answer.status_code
        self.headers = answer.headers
        self.language = ""
        self.text = ""
        self.forms: list[Form] = []
        self.links: list[str] = []
        self.loads: list[str] = []
        self.inline: list[str] = []
        self._silent = False
        self._area = ""
        self._select = ""
        self.feed(answer.text)
        self.text = " ".join(self.text.split())

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        given = {name: value or "" for name, value in attrs}
        self.inline += [name for name in given if name == "style" or name.startswith("on")]
        match tag:
            case "html":
                self.language = given["lang"]
            case "form":
                self.forms.append(Form(given.get("action", ""), {}, [], given.get("data-options", "")))
            case "input" if given.get("type") in ("checkbox", "radio") and "checked" not in given:
                pass  # no browser sends it
            case "input":
                self.forms[-1].fields[given["name"]] = given.get("value", "")
            case "textarea":
                self._area = given["name"]
                self.forms[-1].fields[self._area] = ""
            case "select":
                self._select = given["name"]
            case "option" if "selected" in given or self._select not in self.forms[-1].fields:
                self.forms[-1].fields[self._select] = given["value"]
            case "button" if "name" in given:
                self.forms[-1].buttons.append((given["name"], given["value"]))
            case "a":
                self.links.append(given["href"])
            case "link":
                self.loads.append(given["href"])
            case "script" | "img" | "style":
                src = given.get("src", "")
                (self.loads if src else self.inline).append(src or tag)
            case _:
                pass
        self._silent = tag in ("script", "style", "title")

    def handle_data(self, data: str) -> None:
        self.text += "" if self._silent else data
        if self._area:
            self.forms[-1].fields[self._area] += data

    def handle_endtag(self, tag: str) -> None:
        self._silent = False
        self._area = "" if tag == "textarea" else self._area

    def form(self, field: str) -> Form:
        """The form that has this field or button."""
        return next(f for f in self.forms if field in f.fields or field in [value for _, value in f.buttons])


class Browser(Struct):
    http: Any

    async def look(self, path: str, **headers: str) -> Shown:
        answer = await self.http.get(path, headers={"Accept": "text/html", **headers})
        assert answer.headers["content-type"] == "text/html; charset=utf-8", (answer.status_code, answer.headers)
        return Shown(answer)

    async def send(self, form: Form, press: str = "", /, headers: Any = None, **fields: str) -> httpx.Response:
        """What comes of sending the form, filled in, by pressing the button of this value."""
        pressed = {name: value for name, value in form.buttons if value == press}
        return await self.http.post(form.action, data={**form.fields, **pressed, **fields}, headers=headers)

    async def sign_in(self, email: str, password: str = PASSWORD, path: str = "/signin") -> httpx.Response:
        page = await self.look(path)
        return await self.send(page.form("password"), username=email, password=password)

    async def signed_in(self, email: str, password: str = PASSWORD) -> None:
        answer = await self.sign_in(email, password)
        assert (answer.status_code, answer.headers["location"]) == (303, "/account"), answer.text


def cookie_of(live: Live, name: str) -> str:
    """What this server calls its cookie: on loopback with its port, for other servers may be there too."""
    return f"muniment_{name}_{urlsplit(live.url).port}"


@asynccontextmanager
async def browser(live: Live) -> AsyncGenerator[Browser]:
    async with httpx.AsyncClient(verify=False, base_url=live.url, headers={"User-Agent": AGENT}) as http:
        yield Browser(http)


async def sealed(live: Live, client_id: str, **more: Any) -> str:
    """A client's request as the authorization endpoint seals it."""
    usual: dict[str, Any] = {
        "client_id": client_id,
        "redirect_uri": CALLBACK,
        "scopes": ("openid",),
        "state": "st-1",
        "asked_at": 4e9,
        "code_challenge": 43 * "c",
    }
    return live.beside.requests.close(AuthorizationRequest(**{**usual, **more}))


async def opened(live: Live, location: str) -> AuthorizationRequest:
    """What a redirect carries along."""
    return live.beside.requests.open(parse_qs(urlsplit(location).query)["request"][0])

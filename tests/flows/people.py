"""People for the flows: somebody with an account, logged in in a browser, who has allowed what they are asked for."""

import base64
import secrets
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from hashlib import sha256
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import httpx
from msgspec import Struct

from events.consent import stream_of as consent_of
from service.clock import utc_now
from service.commands.consent import GiveConsent
from service.commands.handle import CONSENT, handle
from service.values.profile import Profile, changed
from service.values.scopes import ACRS
from tests.flows.conftest import META, Live

PASSWORD = "a battery, correctly stapled"
CALLBACK = "https://app.example.com/cb"
DEEP_HINT = base64.urlsafe_b64encode(b'{"alg":"RS256","kid":"x","typ":"JWT","x":' + b"[" * 1200).decode() + ".e30.e30"
"""An id_token_hint whose header is nested more deeply than any decoder goes."""

ALL = "openid profile email offline_access api:public"


class Proof(Struct, frozen=True):
    """PKCE: what a client keeps to itself, and what it shows first."""

    verifier: str
    challenge: str


class Person(Struct, frozen=True):
    """Somebody with an account, and a browser in which they are logged in; it follows no redirect by itself."""

    user: UUID
    email: str
    browser: Any


def proof() -> Proof:
    verifier = secrets.token_urlsafe(32)
    return Proof(verifier, base64.urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode())


async def registered(live: Live, **profile: Any) -> tuple[UUID, str]:
    """(id, e-mail address) of a new user with PASSWORD."""
    email = profile.pop("email", f"{secrets.token_hex(6)}@example.com")
    given = changed(Profile(email=email, name="Ada Lovelace", given_name="Ada", family_name="Lovelace"), profile)
    return await live.beside.people.register(given, PASSWORD, META, verified=True), email


@asynccontextmanager
async def logged_in(live: Live, user: UUID | None = None) -> AsyncGenerator[Person]:
    """A person (a new one, unless it is said who), in a browser with a session."""
    email = ""
    if user is None:
        user, email = await registered(live)
    cookie = await live.beside.sessions.start(user, ("pwd",), ACRS[0], None)
    name = live.beside.sessions.cookie
    async with httpx.AsyncClient(verify=False, base_url=live.url, cookies={name: cookie}) as browser:
        yield Person(user, email, browser)


async def allow(live: Live, user: UUID, client_id: str, scopes: str = ALL, resource: str | None = None) -> None:
    """The person's consent, as the consent page gives it."""
    command = GiveConsent(user=user, client_id=client_id, resource=resource, scopes=tuple(scopes.split()), at=utc_now())
    await handle(live.beside.ledger, CONSENT, consent_of(user, client_id, resource), command, META)


async def asked(browser: Any, client: str, /, **params: str | None) -> httpx.Response:
    """The first answer to an authorization request with everything in it that it needs; None leaves a parameter out."""
    usual = {
        "response_type": "code",
        "client_id": client,
        "redirect_uri": CALLBACK,
        "scope": "openid",
        "state": "st-1",
        "code_challenge": proof().challenge,
        "code_challenge_method": "S256",
    }
    query = {name: value for name, value in {**usual, **params}.items() if value is not None}
    return await browser.get("/openid/authorize", params=query)


def sent_back(answer: httpx.Response, to: str = CALLBACK) -> dict[str, str]:
    """The parameters with which the browser is sent back to the client."""
    assert answer.status_code == 303, (answer.status_code, answer.text[:500])
    location = answer.headers["location"]
    assert location.startswith(to), location
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    return dict(parse_qsl(urlsplit(location).query, keep_blank_values=True))


async def code_for(live: Live, person: Person, client_id: str, **params: str | None) -> tuple[str, Proof]:
    """A code, and the verifier that it takes. What is asked for has been allowed."""
    pkce = proof()
    await allow(live, person.user, client_id, params.get("scope") or "openid", params.get("resource"))
    given = sent_back(
        await asked(person.browser, client_id, code_challenge=pkce.challenge, **params),
        params.get("redirect_uri") or CALLBACK,
    )
    return given["code"], pkce


async def redeemed(live: Live, client: tuple[str, str | None], code: str, pkce: Proof, **more: str) -> httpx.Response:
    client_id, secret = client
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": CALLBACK,
        "code_verifier": pkce.verifier,
        "client_id": client_id,
        **({} if secret is None else {"client_secret": secret}),
        **more,
    }
    return await live.http.post("/openid/token", data=form)


async def tokens_for(live: Live, person: Person, client: tuple[str, str | None], scope: str = ALL) -> dict[str, Any]:
    """What a login comes to: the whole token response."""
    code, pkce = await code_for(live, person, client[0], scope=scope)
    answer = await redeemed(live, client, code, pkce)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def refreshed(live: Live, client: tuple[str, str | None], token: str, **more: str) -> httpx.Response:
    client_id, secret = client
    form = {"grant_type": "refresh_token", "refresh_token": token, "client_id": client_id, **more}
    return await live.http.post("/openid/token", data=form if secret is None else {**form, "client_secret": secret})


class Forms(HTMLParser):
    """The first form of a page: where it goes, and what is in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.action: str | None = None
        self.fields: dict[str, str] = {}
        self._inside = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        given = dict(attrs)
        if tag == "form" and self.action is None:
            self.action, self._inside = given["action"], True
        elif self._inside and tag == "input" and "name" in given:
            self.fields[given["name"]] = given.get("value") or ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False


async def walked_through(live: Live, url: str, email: str, *, consent: str = "allow", then: str = CALLBACK) -> str:
    """What a person with a new browser without JavaScript does from a client's login URL on; the URL at which the client is back."""
    async with httpx.AsyncClient(verify=False, base_url=live.url) as browser:
        return await walked(browser, url, email, consent=consent, then=then)


async def walked(browser: httpx.AsyncClient, url: str, email: str, *, consent: str = "allow", then: str) -> str:
    """The same in a browser that has been elsewhere before: it follows, signs in, allows."""
    answer = await browser.get(url)
    for _ in range(12):
        if answer.status_code == 303:
            location = answer.headers["location"]
            if location.startswith(then):
                return location
            answer = await browser.get(location)
            continue
        assert answer.status_code == 200, answer.text
        form = Forms(answer.text)
        assert form.action, answer.text
        filled = {"username": email, "password": PASSWORD} if "username" in form.fields else {"consent": consent}
        answer = await browser.post(form.action, data={**form.fields, **filled})
    raise AssertionError(answer.text)

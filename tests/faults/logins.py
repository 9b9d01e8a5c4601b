"""Somebody who logs in again and again, through a client that nobody need allow, while the service is killed around them."""

import asyncio
import base64
import secrets
from contextlib import suppress
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import jwt

from tests.faults.serving import Served
from tests.flows.people import Forms

EMAIL, PASSWORD, CALLBACK = "ada@example.com", "a battery, correctly stapled", "https://app.example.com/cb"
SCOPE = "openid offline_access"


class LoggedIn:
    """Everything that the service said was done: the answers to each code, and every token and refresh token."""

    def __init__(self) -> None:
        self.answers: dict[str, int] = {}
        self.tokens: list[str] = []
        self.refresh_tokens: list[str] = []
        self.odd: list[str] = []

    @property
    def count(self) -> int:
        return sum(self.answers.values())


async def prepared(http: httpx.AsyncClient, bearer: dict[str, str]) -> str:
    """The client_id of a public client of the operator's own; and there is a person."""
    person = {"email": EMAIL, "password": PASSWORD}
    assert (await http.post("/api/v1/auth/users", json=person, headers=bearer)).status_code == 201
    body = {"m2m": False, "redirectUri": CALLBACK, "public": True, "firstParty": True}
    return (await http.post("/api/v1/auth/clients", json=body, headers=bearer)).json()["clientId"]


async def log_in(service: Served, client_id: str, said: LoggedIn, over: asyncio.Event) -> None:
    """A browser that stays signed in, and a client that asks once more whenever an answer did not come."""
    # One client for all of it: a sign-in again after every failure would be held up by the limits.
    async with httpx.AsyncClient(verify=False, base_url=service.url) as http:
        while not over.is_set():
            with suppress(httpx.TransportError):
                await _once(http, service, client_id, said)
            await service.answers.wait()
            await asyncio.sleep(0.03)


async def _once(http: httpx.AsyncClient, service: Served, client_id: str, said: LoggedIn) -> None:
    verifier = secrets.token_urlsafe(32)
    code = await _code(http, client_id, verifier)
    if code is None:
        return
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": verifier}
    said.answers[code] = 0
    granted = await _until_answered(http, service, {**form, "client_id": client_id}, said)
    if granted is None:
        return
    said.answers[code] += 1
    _keep(granted, said)
    form = {"grant_type": "refresh_token", "refresh_token": granted["refresh_token"], "client_id": client_id}
    again = await _until_answered(http, service, form, said)
    if again is not None:
        _keep(again, said)


async def _code(http: httpx.AsyncClient, client_id: str, verifier: str) -> str | None:
    challenge = base64.urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    asked = {"client_id": client_id, "redirect_uri": CALLBACK, "response_type": "code", "scope": SCOPE}
    pkce = {"code_challenge": challenge, "code_challenge_method": "S256"}
    answer = await http.get("/openid/authorize", params={**asked, **pkce})
    for _ in range(4):
        location = answer.headers.get("location")
        if location is None:
            form = Forms(answer.text)
            if "username" not in form.fields or form.action is None:
                return None
            answer = await http.post(form.action, data={**form.fields, "username": EMAIL, "password": PASSWORD})
        elif location.startswith(CALLBACK):
            return dict(parse_qsl(urlsplit(location).query)).get("code")
        else:
            answer = await http.get(location)
    return None


async def _until_answered(http: httpx.AsyncClient, service: Served, form: dict[str, str], said: LoggedIn) -> Any:
    """The same request, until there is an answer to it; None when the answer is no."""
    while True:
        with suppress(httpx.TransportError):
            answer = await http.post("/openid/token", data=form)
            if answer.status_code == 200:
                return answer.json()
            if answer.status_code == 400 and answer.json()["error"] == "invalid_grant":
                return None
            if answer.status_code != 503:
                said.odd.append(answer.text)
                return None
        await service.answers.wait()
        await asyncio.sleep(0.05)


def _keep(granted: Any, said: LoggedIn) -> None:
    said.tokens.append(jwt.decode(granted["access_token"], options={"verify_signature": False})["jti"])
    said.refresh_tokens.append(sha256(granted["refresh_token"].encode()).hexdigest())

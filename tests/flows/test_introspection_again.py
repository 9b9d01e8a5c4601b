"""An introspection that was asked before has the response that it would have if it had never been asked."""

import random
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from service.endpoints.introspect import introspect
from service.grants.oauth_request import OAuthRequest
from service.oauth.errors import Refusal
from tests.flows.conftest import Live, oauth_error
from tests.flows.test_private_key_jwt import assertion, registered, token

CLIENTS = "/api/v1/auth/clients"
Form = dict[str, str]


async def ask(live: Live, form: Form) -> httpx.Response:
    return await live.http.post("/openid/introspect", data=form)


async def by_a_process_that_remembers_nothing(live: Live, form: Form) -> tuple[int, bytes]:
    request = OAuthRequest(resources=live.beside, form=dict(form), authorization=None, address="127.0.0.1")
    try:
        return 200, await introspect(request)
    except Refusal as refused:
        return refused.status, refused.error.encode()


async def uncounted(*_: object) -> None:
    """In the place of what counts failures: after some, the response would be that there are too many."""


class Play:
    """A client with two secrets and two tokens, and what may happen to it."""

    def __init__(self, live: Live) -> None:
        self.live = live

    async def begin(self) -> None:
        self.client_id, self.first = await self.live.register()
        self.path = f"{CLIENTS}/{self.client_id}"
        await self.add_secret()
        self.tokens = [await self.live.access_token(self.client_id, self.first) for _ in range(2)]

    def asked(self) -> list[Form]:
        own = [{"client_id": self.client_id, "client_secret": each} for each in (self.first, self.second)]
        operator = {"client_id": self.live.client_id, "client_secret": self.live.client_secret}
        return [{**caller, "token": token} for caller in (*own, operator) for token in self.tokens]

    async def add_secret(self) -> None:
        answer = await self.live.http.post(f"{self.path}/secrets", json={"name": "second"}, headers=self.live.bearer)
        self.second, self.second_id = answer.json()["clientSecret"], answer.json()["secretId"]

    async def revoke_secret(self) -> None:
        await self.live.http.delete(f"{self.path}/secrets/{self.second_id}", headers=self.live.bearer)

    async def disable(self) -> None:
        await self.live.http.post(f"{self.path}/disable", headers=self.live.bearer)

    async def enable(self) -> None:
        await self.live.http.post(f"{self.path}/enable", headers=self.live.bearer)

    async def revoke_token(self) -> None:
        operator = {"client_id": self.client_id, "client_secret": self.first}
        await self.live.http.post("/openid/revoke", data={**operator, "token": self.tokens[0]})

    async def nothing(self) -> None:
        pass

    async def register_another(self) -> None:
        await self.live.register()

    @property
    def acts(self) -> list[Callable[[], Awaitable[None]]]:
        return [
            self.add_secret,
            self.revoke_secret,
            self.disable,
            self.enable,
            self.revoke_token,
            self.nothing,
            self.register_another,
        ]


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_happens_the_response_is_that_of_a_process_that_remembers_nothing(
    live: Live, seed: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("service.grants.client_authentication._count_failures", uncounted)
    play, chance, seen = Play(live), random.Random(seed), set[Any]()
    await play.begin()
    for _ in range(8):
        for form in play.asked():
            expected = await by_a_process_that_remembers_nothing(live, form)
            for _ in range(3):
                answer = await ask(live, form)
                body = answer.content if answer.status_code == 200 else answer.json()["error"].encode()
                assert (answer.status_code, body) == expected
            seen.add(expected[0])
        await chance.choice(play.acts)()
    assert 200 in seen


async def test_what_was_asked_before_is_not_decided_again(live: Live, monkeypatch: pytest.MonkeyPatch):
    client_id, secret = await live.register()
    form = {"client_id": client_id, "client_secret": secret, "token": await live.access_token(client_id, secret)}
    first, _ = [await ask(live, form) for _ in range(2)]
    monkeypatch.setattr("service.endpoints.oauth.parse", None)
    again = await ask(live, form)
    assert (again.status_code, again.content) == (200, first.content)
    assert again.json()["active"]
    assert again.headers["cache-control"] == "no-store"


async def test_an_assertion_cannot_be_used_for_the_same_introspection_again(live: Live):
    client_id = await registered(live)
    issued = (await token(live, **assertion(live, client_id))).json()["access_token"]
    form = {"token": issued, **assertion(live, client_id)}
    assert (await ask(live, form)).json()["active"]
    oauth_error(await ask(live, form), 401, "invalid_client")

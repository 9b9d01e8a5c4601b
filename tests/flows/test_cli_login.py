"""muniment login, token and logout: a person signs in by a code in a browser, and has a token until they sign out."""

import asyncio
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec import json

from service.cli import device_sign_in, login, login_file
from service.cli.device_sign_in import Codes
from service.cli.fault import Plainly
from tests.flows.conftest import Live, is_active
from tests.flows.test_cli import said
from tests.flows.test_devices import decided
from tests.patience import until


@pytest.fixture
async def client(live: Live) -> str:
    body = {"m2m": False, "public": True, "deviceGrant": True, "displayName": "Television", "scopes": ["api:public"]}
    return (await live.http.post("/api/v1/auth/clients", json=body, headers=live.bearer)).json()["clientId"]


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Codes]]:
    """The codes that the command shows. It asks often, and not for longer than the test."""
    codes: list[Codes] = []
    over, tell = threading.Event(), login._tell  # pyright: ignore[reportPrivateUsage]

    def told(given: Codes) -> None:
        codes.append(given)
        tell(given)

    def wait(_: float) -> None:
        if over.wait(0.02):
            raise Plainly("the test is over")

    monkeypatch.setattr(login, "_tell", told)
    monkeypatch.setattr(login, "wait", wait)
    yield codes
    over.set()


async def signed_in(live: Live, shown: list[Codes], press: str, state: Path, *words: str) -> Any:
    """What the command says when the person has pressed this button."""

    async def code() -> str | None:
        return shown[-1].user_code if shown else None

    running = asyncio.create_task(said("login", live.url, *words, XDG_STATE_HOME=str(state)))
    await decided(live, await until(code), press, program="127.0.0.1")
    return await running


async def test_a_person_signs_in_has_a_token_and_signs_out(live: Live, client: str, shown: list[Codes], tmp_path: Path):
    state, words = str(tmp_path), ("--client-id", client, "--scope", "openid offline_access api:public")
    done = await signed_in(live, shown, "allow", tmp_path, *words)
    assert done.status == 0, done.err
    assert f"open {live.url}/device in a browser, and enter the code {shown[0].user_code}" in done.err
    file = tmp_path / "muniment" / "login.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    first = await said("token", XDG_STATE_HOME=state)
    assert first.out.strip() not in done.out + done.err
    assert await is_active(live, first.out.strip())
    about = await live.http.get("/openid/userinfo", headers={"Authorization": f"Bearer {first.out.strip()}"})
    assert about.status_code == 200
    kept = json.decode(file.read_bytes(), type=login_file.SignedIn)
    file.write_bytes(json.encode(kept.__replace__(expires_at=0)))
    again = (await said("token", "--json", XDG_STATE_HOME=state)).json
    assert again["access_token"] != first.out.strip()
    assert again["scope"] == "openid offline_access api:public"
    out = await said("logout", XDG_STATE_HOME=state)
    assert out.status == 0, out.err
    assert not await is_active(live, again["access_token"])
    assert list((tmp_path / "muniment").iterdir()) == []
    assert (await said("token", XDG_STATE_HOME=state)).err == "muniment: nobody is signed in: muniment login\n"


async def test_a_person_who_denies_leaves_nothing_behind(live: Live, client: str, shown: list[Codes], tmp_path: Path):
    done = await signed_in(live, shown, "deny", tmp_path, "--client-id", client)
    assert (done.status, done.err.splitlines()[-1]) == (1, "muniment: access was denied in the browser")
    assert not (tmp_path / "muniment").exists()


async def test_what_cannot_be_done_is_a_sentence(live: Live, client: str, tmp_path: Path):
    async def fault(*words: str) -> str:
        ended = await said(*words, XDG_STATE_HOME=str(tmp_path))
        assert ended.status == 1
        return ended.err

    assert "name the server" in await fault("login")
    assert "https" in await fault("login", "http://example.com", "--client-id", client)
    assert "unauthorized_client" in await fault(
        "login", live.url, "--client-id", (await live.interactive(public=True))[0]
    )
    assert "invalid_client" in await fault("login", live.url, "--client-id", "nobody")
    assert "invalid_scope" in await fault("login", live.url, "--client-id", client, "--scope", "operate")
    (tmp_path / "muniment").mkdir()
    (tmp_path / "muniment" / "login.json").write_text("{")
    assert "cannot be read" in await fault("token")


def test_a_device_asks_more_slowly_when_it_is_told_to_and_after_a_lost_connection(monkeypatch: pytest.MonkeyPatch):
    answers = iter(
        [
            httpx.Response(400, json={"error": "authorization_pending"}),
            httpx.Response(400, json={"error": "slow_down"}),
            httpx.ConnectTimeout("lost"),
            httpx.Response(200, json={"access_token": "a", "expires_in": 60, "scope": "openid"}),
        ]
    )

    def request(*_: Any, **__: Any) -> httpx.Response:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(device_sign_in.httpx, "request", request)
    waited: list[float] = []
    metadata = device_sign_in.Metadata(issuer="https://a.example", token_endpoint="https://a.example/token")
    codes = Codes(device_code="d", user_code="u", verification_uri="https://a.example/device", expires_in=600)
    assert device_sign_in.awaited(metadata, "c", codes, waited.append).access_token == "a"
    assert waited == [5, 5, 10, 20]

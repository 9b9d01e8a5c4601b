"""A service that has more to do than it can in time says so at once, and keeps what it has accepted."""

import asyncio

import httpx
import pytest

from tests.flows.conftest import Live, oauth_error
from tests.patience import until

CLIENTS = "/api/v1/auth/clients"


async def test_tokens_beyond_those_that_may_wait_for_a_commit_are_refused_and_the_others_are_issued(
    live: Live, monkeypatch: pytest.MonkeyPatch
):
    issuance = live.application.resources.issuance
    form = {
        "grant_type": "client_credentials",
        "client_id": live.client_id,
        "client_secret": live.client_secret,
    }

    def asked() -> asyncio.Task[httpx.Response]:
        return asyncio.create_task(live.http.post("/openid/token", data=form))

    async def all_wait() -> bool:
        return issuance.waiting == 2

    for name in ("bound", "_most"):
        monkeypatch.setattr(issuance._batches._room, name, 2)
    async with issuance._one_at_a_time:  # no commit ends meanwhile
        first = asked()

        async def is_committing() -> bool:
            return issuance._batches._running is not None and issuance.waiting == 0

        await until(is_committing)
        waiting = [asked(), asked()]
        await until(all_wait)
        refused = await live.http.post("/openid/token", data=form)
        text = oauth_error(refused, 503, "temporarily_unavailable")
        assert refused.headers["retry-after"] == "1"
        assert text == "This server has more to do than it can in time, so nothing was done. Try again in a second."
        assert (await live.http.get("/health/live")).status_code == 200
        assert (await live.http.get(CLIENTS, headers=live.bearer)).status_code == 200
    assert [each.status_code for each in await asyncio.gather(first, *waiting)] == [200, 200, 200]

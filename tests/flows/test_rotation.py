"""The rotation of the signing keys: by the API and in the console, once for each request, and by nobody but an operator."""

from datetime import timedelta
from typing import cast

import jwt
import pytest

from events.database import read
from events.log import Append, Log, Outcome
from projections import signing_keys
from service import rotation
from service.commands.handle import Ledger
from service.oauth.signing import ALGORITHMS
from service.refusals import Contradiction
from service.resources import open_resources
from service.vault import private_keys
from tests.flows.browsing import Shown
from tests.flows.conftest import MASTER_KEY, META, Live, new_database, refused, serving, settings_for
from tests.flows.consoles import staff

KEYS = "/api/v1/auth/signing-keys"


async def kids(live: Live, state: str) -> set[str]:
    answer = await live.http.get(KEYS, params={"state": state}, headers=live.bearer)
    return {key["kid"] for key in answer.json()}


async def signs(live: Live) -> str:
    """The kid of a new token."""
    return jwt.get_unverified_header(await live.access_token(live.client_id, live.client_secret))["kid"]


async def test_the_keys_are_rotated_once_for_a_request_that_is_sent_twice(postgres: str):
    async with serving(await new_database(postgres)) as live:
        before, following = await signs(live), await kids(live, "published")
        body, headers = {"activeKid": before}, {**live.bearer, "Muniment-Reason": "yearly"}
        done = await live.http.post(f"{KEYS}/rotate", json=body, headers=headers)
        assert set(done.json()["activeKids"].values()) == following == await kids(live, "active")
        assert await signs(live) in following
        assert (
            "somebody may have rotated them"
            in refused(await live.http.post(f"{KEYS}/rotate", json=body, headers=headers), 409)["detail"]
        )
        assert before in await kids(live, "retired")
        old = await live.http.get(KEYS, headers=live.bearer)  # its token was signed with the retired key
        assert old.status_code == 200
        refused(await live.http.post(f"{KEYS}/rotate", json={}, headers=headers), 400)

        async with (
            staff(live, "operator") as somebody,
            staff(live, "auditor") as auditor,
            staff(live, "owner") as owner,
        ):
            page = await somebody.look("/keys")
            assert (await somebody.send(page, "rotate")).status_code == 400
            assert (await somebody.send(page, "rotate", reason="drill")).status_code == 303
            again = await somebody.send(page, "rotate", reason="drill")
            assert (again.status_code, "somebody may have rotated them" in Shown(again).text) == (409, True)
            assert following <= await kids(live, "retired")
            shown = await auditor.look("/keys")
            assert (shown.status, [form for form in shown.forms if "do" in form.fields]) == (200, [])
            forged = {**shown.forms[0].fields, "do": "rotate", "activeKid": await signs(live), "reason": "x"}
            assert (await auditor.browser.http.post("/console/keys", data=forged)).status_code == 403
            assert (await owner.look("/keys")).status == 403


class Killed(Exception):
    pass


class Dying:
    """A log whose process dies after so many appends."""

    def __init__(self, log: Log, appends: int) -> None:
        self._log = log
        self._left = appends

    async def append(self, item: Append) -> Outcome:
        if self._left == 0:
            raise Killed
        self._left -= 1
        return await self._log.append(item)


APPENDS = 3 * len(ALGORITHMS)
"""Of a whole rotation: each algorithm has a key published, one activated and one retired."""


@pytest.mark.parametrize("appends", range(APPENDS))
@pytest.mark.parametrize("again", [ALGORITHMS[-1], None])
async def test_a_rotation_whose_process_died_is_finished_by_a_repetition(
    postgres: str, appends: int, again: str | None
):
    url, seal = await new_database(postgres), private_keys.wrapping(MASTER_KEY)
    async with open_resources(settings_for(url, "http://127.0.0.1"), url, MASTER_KEY) as resources:

        async def kids(state: str) -> dict[str, str]:
            rows = await read(resources.ledger.pool, signing_keys.every)
            found = [(row.alg, row.kid) for row in rows if row.state == state]
            assert len(found) == len(dict(found)), "two keys of one algorithm have this state"
            return dict(found)

        async def rotated(dies_after: int | None = None) -> dict[str, str]:
            dying = resources.ledger.log if dies_after is None else cast("Log", Dying(resources.ledger.log, dies_after))
            ledger = Ledger(dying, resources.ledger.pool)
            return await rotation.rotate(url, ledger, seal, META, active=active)

        before, following = await kids("active"), await kids("published")
        active = None if again is None else before[again]
        with pytest.raises(Killed):
            await rotated(appends)
        if appends + 1 < APPENDS:
            with pytest.raises(Killed):
                await rotated(1)
        assert await rotated() == following == await kids("active")
        assert await kids("retired") == before
        assert (await kids("published")).keys() == set(ALGORITHMS)
        if active is not None:
            with pytest.raises(Contradiction):
                await rotated()


async def test_a_rotation_activates_the_next_keys_though_the_clock_is_behind(
    postgres: str, monkeypatch: pytest.MonkeyPatch
):
    url, seal = await new_database(postgres), private_keys.wrapping(MASTER_KEY)
    async with open_resources(settings_for(url, "http://127.0.0.1"), url, MASTER_KEY) as resources:
        rows = await read(resources.ledger.pool, signing_keys.every)
        monkeypatch.setattr(rotation, "utc_now", lambda: min(row.published_at for row in rows) - timedelta(hours=1))
        kids = await rotation.rotate(url, resources.ledger, seal, META)
        assert set(kids.values()) == {row.kid for row in rows if row.state == "published"}

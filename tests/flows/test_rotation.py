"""The rotation of the signing keys: by the API and in the console, once for each request, and by nobody but an operator."""

import jwt

from tests.flows.browsing import Shown
from tests.flows.conftest import Live, new_database, refused, serving
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

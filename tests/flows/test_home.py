"""/: the way in for people, and the way to the reference for those who build."""

import httpx

from tests.flows.conftest import Live
from tests.flows.people import logged_in


async def test_who_is_not_signed_in_is_shown_the_way_to_sign_in_and_to_the_api_reference(live: Live):
    async with httpx.AsyncClient(verify=False, base_url=live.url) as browser:
        page = await browser.get("/")
        assert page.status_code == 200
        for path in ("/signin", "/docs"):
            assert f'href="{path}"' in page.text
            assert (await browser.get(path)).status_code == 200


async def test_who_is_signed_in_is_led_to_the_account(live: Live):
    async with logged_in(live) as person:
        answer = await person.browser.get("/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/account")

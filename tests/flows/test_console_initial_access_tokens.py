"""The page of initial access tokens: how often each was used, and never the token."""

from tests.flows.conftest import Live
from tests.flows.consoles import staff


async def test_the_page_lists_them_with_their_uses_and_without_the_token(live: Live):
    body = {"name": "support agents", "uses": 25, "scopes": ["api:public"]}
    made = await live.http.post("/api/v1/auth/initial-access-tokens", json=body, headers=live.bearer)
    assert made.status_code == 201, made.text
    async with staff(live, "operator") as somebody:
        page = await somebody.look("/initial-access-tokens")
    assert all(text in page.text for text in ("support agents", "0 of 25", "api:public", "never"))
    assert made.json()["token"] not in page.text

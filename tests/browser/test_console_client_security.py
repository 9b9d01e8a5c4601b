"""The groups of a client's security settings, open: by the rules of accessibility, and with only what the chosen method needs."""

from playwright.async_api import expect

from tests.browser.conftest import ISSUER, Stage, needs_chromium
from tests.browser.test_console import at_the_console, is_accessible
from tests.flows.conftest import Live

pytestmark = needs_chromium


async def _client(live: Live) -> str:
    """A client with something in each group."""
    client, _ = await live.interactive()
    body = {
        "dpopBoundAccessTokens": True,
        "requirePushedAuthorizationRequests": True,
        "workloadIdentities": [{"issuer": "https://ci.example.com", "subject": "repo:acme/crm:main"}],
        "tokenExchange": [{"clients": ["crm"], "audiences": ["urn:example:crm"], "scopes": ["crm:read"]}],
        "identityAssertions": [{"audience": "https://other.example.com", "clientId": "there"}],
    }
    headers = {**live.bearer, "If-Match": "*"}
    changed = await live.http.patch(f"/api/v1/auth/clients/{client}", json=body, headers=headers)
    assert changed.status_code == 200, changed.text
    return client


async def test_the_open_groups_of_a_form_are_accessible_and_show_what_the_chosen_method_needs(stage: Stage):
    client = await _client(stage.live)
    async with stage.window() as page:
        await at_the_console(stage, page)
        await page.goto(f"{ISSUER}/console/clients/{client}/edit")
        await expect(page.locator("details.group[open]")).to_have_count(4)
        await page.get_by_role("radio", name="A certificate", exact=False).first.check()
        await expect(page.get_by_label("Name in the certificate")).to_be_visible()
        await expect(page.get_by_label("Address of its keys")).to_be_hidden()
        await page.get_by_role("radio", name="The identity of its workload").check()
        await expect(page.get_by_label("Name in the certificate")).to_be_hidden()
        await is_accessible(page)
        await page.goto(f"{ISSUER}/console/clients/{client}")
        await is_accessible(page)

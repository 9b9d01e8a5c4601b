"""What scripts add to the pages of evidence: a slider through a client's past, and a feed that follows the log."""

from playwright.async_api import expect

from tests.browser.conftest import ISSUER, Stage, needs_chromium
from tests.browser.test_console import at_the_console
from tests.flows.test_console_evidence import reached, renamed
from tests.patience import until

pytestmark = needs_chromium


async def test_a_slider_moves_through_the_changes_of_a_client_and_the_address_says_where_it_is(stage: Stage):
    client, _ = await stage.live.register(displayName="First name")
    for name in ("Second name", "Third name"):
        await renamed(stage.live, client, name, "a ticket")
    async with stage.window() as page:
        await at_the_console(stage, page)
        await page.goto(f"{ISSUER}/console/clients/{client}/history")
        compared = page.locator("#compared")
        await expect(compared).to_contain_text("Second name Third name")
        await page.locator("#slide-since").press("ArrowLeft")
        await expect(compared).to_contain_text("First name Third name")
        await page.locator("#slide-at").press("ArrowLeft")
        await expect(compared).to_contain_text("First name Second name")
        await expect(page.locator("li.current")).to_contain_text("Second name")
        await page.reload()
        await expect(compared).to_contain_text("First name Second name")
        await page.locator("#slide-since").press("Home")
        await expect(compared).to_contain_text("bot-abc123")


async def test_the_live_feed_shows_what_happens_by_itself_and_not_its_own_reads(stage: Stage):
    client, _ = await stage.live.register(displayName="Before")
    async with stage.window() as page:
        await at_the_console(stage, page)
        registered = await stage.live.last_change()
        await until(lambda: reached(stage.live, registered))
        await page.goto(f"{ISSUER}/console/audit?client={client}&type=client")
        rows = page.locator("#events li")
        await expect(rows).to_have_count(1)
        await page.get_by_role("button", name="Live").click()
        await expect(page.locator("#live-state")).to_contain_text("new events appear by themselves")
        await renamed(stage.live, client, "After", "ticket 12")
        await expect(rows).to_have_count(2)
        await expect(rows.first).to_contain_text("ticket 12")
        await page.get_by_role("button", name="Live").click()
        await expect(page.locator("#live-state")).to_have_text("")


async def test_a_moment_is_chosen_with_the_browser_s_picker_and_stands_in_the_field_as_utc(stage: Stage):
    async with stage.window() as page:
        await at_the_console(stage, page)
        await page.goto(f"{ISSUER}/console/tokens")
        await page.get_by_text("More filters").click()
        await expect(page.get_by_role("button", name="Choose: Until")).to_be_visible()
        await page.get_by_role("button", name="Choose: Until").click()
        await page.locator("#f-until ~ .picker").fill("2026-01-02T03:04:05")
        await expect(page.locator("#f-until")).to_have_value("2026-01-02 03:04:05")
        await page.get_by_role("button", name="Find").click()
        await expect(page.locator("#f-until")).to_have_value("2026-01-02 03:04:05")
        assert "until=2026-01-02+03%3A04%3A05" in page.url

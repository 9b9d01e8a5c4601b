"""The console as people see it: every page by the rules of accessibility, at three widths, by day and by night; and by keyboard."""

import re
from datetime import timedelta

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.async_api import Page, ViewportSize, expect

from service.console import access
from service.console import sign_in as console_sign_in
from tests.browser.conftest import ISSUER, LOOKS, PHONE, VIOLATIONS, Stage, needs_chromium, uncut
from tests.browser.test_pages import sign_in
from tests.flows.consoles import give, paths, places
from tests.flows.people import PASSWORD, registered

pytestmark = needs_chromium

DIALOGS = """async () => {
    const found = [];
    for (const each of [...document.querySelectorAll(".confirm-box[popover], .rest[popover]")].slice(0, 8)) {
        each.showPopover();
        const { left, right, top, bottom } = each.getBoundingClientRect();
        const cut = left < 0 || top < 0 || right > innerWidth || bottom > innerHeight || each.scrollWidth > each.clientWidth;
        if (cut) found.push(["cut", each.id]);
        found.push(...(await axe.run(each, { preload: false, resultTypes: ["violations"] })).violations.map(rule => [rule.id, each.id]));
        each.hidePopover();
    }
    return found;
}"""
"""What is wrong with the dialogs of a page, each of them open: rules of axe, and what is cut off at an edge."""
SIZES = (PHONE, ViewportSize({"width": 768, "height": 1024}), ViewportSize({"width": 1280, "height": 800}))


async def at_the_console(stage: Stage, page: Page) -> None:
    user, email = await registered(stage.live)
    await give(stage.live, user, "operator")
    await page.goto(f"{ISSUER}/console")
    await sign_in(page, email)
    await page.wait_for_url(f"{ISSUER}/console")


async def is_accessible(page: Page) -> None:
    """No rule of axe is violated: all of them at each width by day, those about looks by night."""
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(AXE_SCRIPT)
    for size in SIZES:
        await page.set_viewport_size(size)
        await page.emulate_media(color_scheme="light")
        assert await page.evaluate(VIOLATIONS, {}) == [], (page.url, size)
        await page.emulate_media(color_scheme="dark")
        assert await page.evaluate(VIOLATIONS, LOOKS) == [], (page.url, size, "dark")
        await uncut(page)
        assert await page.evaluate(DIALOGS) == [], (page.url, size)


async def test_every_page_is_accessible_at_three_widths_by_day_and_by_night(stage: Stage):
    known = await places(stage.live, displayName="x" * 120, scopes=["api:public", "y" * 100])
    async with stage.window() as page:
        await at_the_console(stage, page)
        for path in paths(known):
            await page.goto(f"{ISSUER}/console{path}")
            await expect(page.locator("h1")).to_have_count(1)
            await is_accessible(page)


async def test_a_client_is_created_and_stopped_by_keyboard_and_what_goes_wrong_is_said_at_its_field(stage: Stage):
    async with stage.window() as page:
        await at_the_console(stage, page)
        await page.keyboard.press("Tab")
        await expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
        await page.get_by_role("link", name="Clients").click()
        await page.get_by_role("link", name="New client").first.click()
        await page.get_by_text("A program on a server").press("Enter")
        await page.get_by_role("button", name="Continue").click()
        await page.get_by_label("Name", exact=True).fill("Nightly export")
        await page.get_by_label("Acts as").fill("bot\u202e1")
        await page.get_by_label("Reason").fill("first")
        await page.get_by_role("button", name="Create the client").press("Enter")
        await expect(page.get_by_role("alert")).to_be_visible()
        await expect(page.get_by_label("Acts as")).to_have_accessible_description(re.compile("U\\+202E"))
        await is_accessible(page)
        await page.get_by_label("Acts as").fill("bot-1")
        await page.get_by_role("button", name="Create the client").press("Enter")
        await expect(page.get_by_text("This is the only time that the secret is shown.")).to_be_visible()
        await is_accessible(page)
        await page.get_by_role("link", name="Open the client").click()
        disable = page.get_by_role("button", name="Disable the client")
        await disable.press("Enter")
        dialog = page.get_by_role("dialog", name="Disable the client")
        await expect(dialog).to_be_focused()
        await page.keyboard.press("Escape")
        await expect(dialog).to_be_hidden()
        await expect(disable).to_be_focused()
        await page.keyboard.press("Enter")
        await dialog.get_by_label("Reason").fill("too much")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("status")).to_contain_text("The client is disabled.")
        await is_accessible(page)


async def test_a_change_is_confirmed_without_scripts_and_what_goes_wrong_shows_in_its_dialog(stage: Stage):
    client, _ = await stage.live.register(displayName="Without scripts")
    async with stage.window(viewport=PHONE, java_script_enabled=False) as page:
        await at_the_console(stage, page)
        await page.goto(f"{ISSUER}/console/clients/{client}")
        dialog = page.get_by_role("dialog")
        await page.get_by_role("button", name="Delete the client").click()
        await dialog.get_by_role("button", name="Cancel").click()
        await expect(dialog).to_be_hidden()
        await page.get_by_role("button", name="Disable the client").click()
        await dialog.get_by_label("Reason").fill(" ")
        await dialog.get_by_role("button", name="Disable").click()
        await expect(dialog).to_contain_text("Say why")
        await dialog.get_by_label("Reason").fill("too much")
        await dialog.get_by_role("button", name="Disable").click()
        await expect(page.get_by_role("status")).to_contain_text("The client is disabled.")


async def test_a_sensitive_change_waits_for_a_new_sign_in_and_is_then_sent_as_it_was(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
):
    client, _ = await stage.live.register(displayName="Doomed")
    user, email = await registered(stage.live)
    await give(stage.live, user, "operator")
    async with stage.window() as page:
        await page.goto(f"{ISSUER}/console/clients/{client}")
        await sign_in(page, email)
        dialog = page.get_by_role("dialog")
        await page.get_by_role("button", name="Delete the client").click()
        await dialog.get_by_label("Reason").fill("no longer used")
        with monkeypatch.context() as later:
            for module in (access, console_sign_in):
                later.setattr(module, "RECENT", timedelta(0))
            await dialog.get_by_role("button", name="Delete", exact=True).press("Enter")
            await page.wait_for_url("**/signin?**")
        await page.get_by_label("Password").fill(PASSWORD)
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("status")).to_contain_text("The form is as you left it")
        await expect(dialog.get_by_label("Reason")).to_have_value("no longer used")
        await dialog.get_by_role("button", name="Delete", exact=True).press("Enter")
        await expect(page.get_by_role("status")).to_contain_text("The client is deleted.")


async def test_on_a_phone_the_menu_leads_everywhere(stage: Stage):
    async with stage.window(viewport=PHONE, java_script_enabled=False) as page:
        await at_the_console(stage, page)
        await page.get_by_text("Menu", exact=True).click()
        await page.get_by_role("navigation", name="Console menu").get_by_role("link", name="Clients").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Clients")
        await page.get_by_text("Menu", exact=True).click()
        await page.get_by_role("button", name="Sign out").last.click()
        await page.wait_for_url("**/signed-out")

"""A person with a real browser: signing in, allowing, denying, leaving; by mouse or keyboard, with JavaScript or without."""

import re
import time
from urllib.parse import parse_qs, urlsplit

from playwright.async_api import Page, expect
from pyotp.totp import TOTP

from tests.browser.conftest import DESKTOP, ISSUER, PHONE, Stage, accessible, needs_chromium, uncut
from tests.flows.browsing import browser
from tests.flows.people import PASSWORD

pytestmark = needs_chromium

EMAIL = "Email address"

VIRTUAL = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


async def sign_in(page: Page, email: str, password: str = PASSWORD) -> None:
    await page.get_by_label(EMAIL).fill(email)
    await page.get_by_label("Password").fill(password)
    await page.get_by_role("button", name="Sign in", exact=True).click()


async def signed_in(stage: Stage, page: Page, email: str) -> None:
    """For tests of what comes after it: the browser gets the cookies of somebody who signed in without one."""
    async with browser(stage.live) as there:
        await there.signed_in(email)
        cookies = [(each.name, each.value or "") for each in there.http.cookies.jar]
    await page.context.add_cookies([{"name": name, "value": value, "url": ISSUER} for name, value in cookies])


async def back_at_the_client(stage: Stage, page: Page) -> dict[str, list[str]]:
    await page.wait_for_url(f"{stage.callback}*")
    return parse_qs(urlsplit(page.url).query)


async def test_somebody_signs_in_allows_it_and_is_back_at_the_client(stage: Stage):
    email = await stage.person()
    async with stage.window(viewport=PHONE) as page:
        await page.goto(await stage.client())
        await expect(page.get_by_label(EMAIL)).to_be_focused()
        await accessible(page)
        await sign_in(page, email, "wrong")
        await expect(page.get_by_role("alert")).to_be_visible()
        await expect(page.get_by_label("Password")).to_be_focused()
        await expect(page.get_by_label("Password")).to_have_accessible_description("Wrong email address or password.")
        await accessible(page)
        await sign_in(page, email)
        await page.wait_for_url("**/consent?*")
        await accessible(page)
        await page.get_by_role("button", name="Allow").click()
        given = await back_at_the_client(stage, page)
        assert set(given) == {"code", "state", "iss"}


async def test_a_visitor_finds_the_way_to_sign_in_and_to_the_api_reference(stage: Stage):
    async with stage.window() as page:
        await page.goto(f"{ISSUER}/")
        await accessible(page)
        await expect(page.get_by_role("link", name="Read the API reference")).to_have_attribute("href", "/docs")
        await page.get_by_role("link", name="Sign in").click()
        await expect(page.get_by_label(EMAIL)).to_be_focused()


async def test_somebody_says_no(stage: Stage):
    email = await stage.person()
    async with stage.window() as page:
        await page.goto(await stage.client())
        await sign_in(page, email)
        await page.get_by_role("button", name="Deny").click()
        assert (await back_at_the_client(stage, page))["error"] == ["access_denied"]


async def test_all_of_it_works_without_javascript_and_by_keyboard_alone(stage: Stage):
    email = await stage.person()
    async with stage.window(java_script_enabled=False) as page:
        await page.goto(await stage.client())
        await expect(page.get_by_role("button", name="Sign in with a passkey")).to_be_hidden()
        await page.keyboard.type(email)
        await page.keyboard.press("Tab")
        await page.keyboard.type(PASSWORD)
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/consent?*")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        assert "code" in await back_at_the_client(stage, page)
        await page.goto(f"{ISSUER}/account")
        await page.get_by_role("button", name="Remove access for Ledger Reports").click()
        await expect(page.get_by_role("status")).to_contain_text("can no longer use your account")


async def test_somebody_sets_up_an_app_and_signs_in_with_its_code(stage: Stage):
    email = await stage.person()
    async with stage.window() as page:
        await page.goto(f"{ISSUER}/signin")
        await sign_in(page, email)
        await page.wait_for_url("**/account")
        await page.get_by_role("link", name="Security").click()
        await accessible(page)
        await page.get_by_role("link", name="Set up an app").click()
        await page.get_by_text("Can't scan it?").click()
        in_app = page.get_by_role("link", name="Open in authenticator app")
        await expect(in_app).to_be_hidden()
        await page.set_viewport_size(PHONE)
        await expect(in_app).to_have_attribute("href", re.compile("^otpauth://totp/"))
        await expect(in_app).to_be_visible()
        await page.set_viewport_size(DESKTOP)
        app = TOTP((await page.locator("code.secret").inner_text()).replace(" ", ""))
        await accessible(page)
        await page.get_by_label("6-digit code").fill(app.now())
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("status").first).to_contain_text("you'll enter a code after your password")
        await accessible(page)
        await page.get_by_role("button", name="Sign out").click()
        await page.wait_for_url("**/signed-out")
        await accessible(page)
        await page.get_by_role("link", name="Sign in again").click()
        await sign_in(page, email)
        await page.wait_for_url("**/signin/factor")
        await accessible(page)
        await page.get_by_label("6-digit code").fill("000000")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("alert")).to_contain_text("That code isn't right.")
        await accessible(page)
        await page.get_by_label("6-digit code").fill(app.at(int(time.time()) + 30))
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/account")


async def test_a_passkey_signs_in_alone_and_as_the_second_step(stage: Stage):
    email = await stage.person()
    async with stage.window(viewport=PHONE) as page:
        devtools = await page.context.new_cdp_session(page)
        await devtools.send("WebAuthn.enable")
        added = await devtools.send("WebAuthn.addVirtualAuthenticator", {"options": VIRTUAL})
        await signed_in(stage, page, email)
        await page.goto(f"{ISSUER}/account/security")
        await page.get_by_role("button", name="Add a passkey").click()
        await expect(page.get_by_role("status").first).to_contain_text("You can now sign in with it")
        await page.get_by_role("button", name="Sign out").click()
        await page.goto(await stage.client())
        await page.get_by_role("button", name="Sign in with a passkey").click()
        await page.wait_for_url("**/consent?*")
        await page.goto(f"{ISSUER}/account")
        await page.get_by_role("button", name="Sign out").click()
        await page.goto(f"{ISSUER}/signin")
        await sign_in(page, email)
        await page.wait_for_url("**/signin/factor")
        await accessible(page)
        verified = {"authenticatorId": added["authenticatorId"], "isUserVerified": False}
        await devtools.send("WebAuthn.setUserVerified", verified)
        await page.get_by_role("button", name="Use your passkey").click()
        await expect(page.get_by_text("Your passkey wasn't used.")).to_be_visible()
        await devtools.send("WebAuthn.setUserVerified", {**verified, "isUserVerified": True})
        await page.get_by_role("button", name="Use your passkey").click()
        await page.wait_for_url("**/account")


async def test_the_pages_of_the_account_and_what_goes_wrong_are_accessible_too(stage: Stage):
    email = await stage.person()
    async with stage.window() as page, browser(stage.live) as elsewhere:
        await elsewhere.signed_in(email)
        asking = await stage.client()
        await page.goto(f"{asking}&prompt=select_account")
        await sign_in(page, email)
        await page.get_by_role("button", name="Allow").click()
        await back_at_the_client(stage, page)
        for path in ("/account", "/account/sessions", "/account/authenticator", "/consent?request=x", "/no/page"):
            await page.goto(f"{ISSUER}{path}")
            await accessible(page)
        await page.goto(f"{asking}&prompt=select_account")
        await accessible(page)
        await page.get_by_role("button", name="Continue as").click()
        assert "code" in await back_at_the_client(stage, page)


async def test_a_german_reads_german(stage: Stage):
    async with stage.window(locale="de-DE") as page:
        await page.goto(await stage.client())
        await expect(page).to_have_title("Anmelden · Muniment")
        await expect(page.locator("html")).to_have_attribute("lang", "de")


async def test_the_narrowest_screen_shows_everything(stage: Stage):
    email = await stage.person()
    async with stage.window(viewport={"width": 320, "height": 568}, locale="de-DE") as page:
        await page.goto(await stage.client(displayName="Donaudampfschifffahrtsgesellschaftskapitänsmütze GmbH"))
        await uncut(page)
        await page.locator("#username").fill(email)
        await page.locator("#password").fill(PASSWORD)
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/consent?*")
        await uncut(page)
        await page.locator("button[value=allow]").click()
        await back_at_the_client(stage, page)
        for path in ("/account", "/account/sessions", "/account/security", "/account/authenticator"):
            await page.goto(f"{ISSUER}{path}")
            await uncut(page)


async def test_somebody_signs_in_on_a_device_by_keyboard_without_javascript_and_in_the_dark(stage: Stage):
    email = await stage.person()
    client_id, secret = await stage.live.interactive(deviceGrant=True, displayName="Television")
    form = {"client_id": client_id, "client_secret": secret, "scope": "openid email"}
    begun = (await stage.live.http.post("/openid/device_authorization", data=form)).json()
    async with stage.window(java_script_enabled=False, viewport=PHONE, color_scheme="dark") as page:
        await page.goto(f"{ISSUER}/device")
        await expect(page.get_by_label("Code")).to_be_focused()
        await page.keyboard.type("bcdf ghjk")
        await page.keyboard.press("Enter")
        await expect(page.get_by_label("Code")).to_have_accessible_description(re.compile("That code isn't right"))
        await page.get_by_label("Code").fill(begun["user_code"].lower().replace("-", ""))
        await page.keyboard.press("Enter")
        await sign_in(page, email)
        await page.wait_for_url("**/consent?*")
        await expect(page.get_by_role("note")).to_contain_text(begun["user_code"])
        await uncut(page)
        await page.get_by_role("button", name="Allow").focus()
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/device/approved")
        await expect(page.get_by_role("heading", level=1)).to_have_text("Your device is signed in")


async def test_the_pages_of_a_device_are_accessible_and_narrow_in_german(stage: Stage):
    email = await stage.person()
    client_id, secret = await stage.live.interactive(deviceGrant=True, displayName="Television")
    form = {"client_id": client_id, "client_secret": secret, "scope": "openid email"}
    begun = (await stage.live.http.post("/openid/device_authorization", data=form)).json()
    async with stage.window(viewport={"width": 320, "height": 568}, locale="de-DE") as page:
        await signed_in(stage, page, email)
        for path in ("/device", "/device/approved", "/device/denied", "/device/late"):
            await page.goto(f"{ISSUER}{path}")
            await accessible(page)
            await uncut(page)
        await page.goto(f"{ISSUER}/device?user_code={begun['user_code']}")
        await accessible(page)
        await page.get_by_role("button", name="Weiter").click()
        await page.wait_for_url("**/consent?*")
        await accessible(page)
        await uncut(page)
        await page.get_by_role("button", name="Ablehnen").click()
        await page.wait_for_url("**/device/denied")

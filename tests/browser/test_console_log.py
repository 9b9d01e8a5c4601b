"""The log's page verifies proofs in the browser: what is right, and what somebody changed on the way."""

from playwright.async_api import Page, expect

from tests.browser.conftest import ISSUER, Stage, needs_chromium
from tests.browser.test_console import at_the_console
from tests.patience import until

pytestmark = needs_chromium

CHANGED = """() => {
  const real = window.fetch;
  window.fetch = async (address, ...more) => {
    const answer = await real(address, ...more);
    if (!address.includes("part=entries")) return answer;
    const bundle = new Uint8Array(await answer.arrayBuffer());
    bundle[2 + new DataView(bundle.buffer).getUint16(0) + 2 + 60] ^= 1;
    return new Response(bundle);
  };
}"""
"""One letter of what entry 2 says is another one."""


def size_of(checkpoint: str) -> int:
    return int(checkpoint.split("\n")[1])


FORKED = """() => {
  const name = Object.keys(localStorage).find(each => each.endsWith(" checkpoint log"));
  const [origin, size, , ...more] = localStorage[name].split("\\n");
  localStorage[name] = [origin, size, btoa("x".repeat(32)), ...more].join("\\n");
}"""
"""What this browser kept is no beginning of the log that the server shows now."""
LIAR = """async () => {
  const origin = "other.example/log";
  const joined = (...parts) => Uint8Array.from(parts.flatMap(each => [...each]));
  const base64 = bytes => btoa(String.fromCharCode(...bytes));
  const pair = await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"]);
  const key = joined([1], new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey)));
  const text = new TextEncoder();
  const id = new Uint8Array(await crypto.subtle.digest("SHA-256", joined(text.encode(`${origin}\\n`), key))).slice(0, 4);
  const hex = [...id].map(byte => byte.toString(16).padStart(2, "0")).join("");
  const signed = `${origin}\\n9\\n${base64(new Uint8Array(32))}\\n`;
  const signature = new Uint8Array(await crypto.subtle.sign("Ed25519", pair.privateKey, text.encode(signed)));
  const note = `${signed}\\n\u2014 ${origin} ${base64(joined(id, signature))}\\n`;
  const real = window.fetch;
  window.fetch = async (address, ...more) => {
    if (address.includes("part=key")) return new Response(`${origin}+${hex}+${base64(key)}\\n`);
    return address.includes("part=checkpoint") ? new Response(note) : real(address, ...more);
  };
}"""
"""Another log under another origin, signed with a key of its own."""
NO_ED25519 = """() => {
  localStorage.clear();
  crypto.subtle.importKey = async () => { throw new DOMException("no Ed25519", "NotSupportedError"); };
}"""


async def found(page: Page, which: str, text: str) -> None:
    await page.locator(f"#check-{which} button").click()
    await expect(page.locator(f"#found-{which}")).to_contain_text(text)


async def test_the_browser_verifies_entries_and_the_growth_of_the_log_and_believes_no_changed_answer(stage: Stage):
    client, secret = await stage.live.register()
    await stage.live.access_token(client, secret)

    async def is_signed() -> bool:
        return (await stage.live.http.get("/log/issuance/checkpoint")).status_code == 200

    await until(is_signed)
    async with stage.window() as page:
        await at_the_console(stage, page)
        await page.goto(f"{ISSUER}/console/log")
        await page.get_by_label("Position").fill("2")
        await found(page, "inclusion", "Entry 2 is in the log: signing_key.activated")
        await expect(page.locator("#found-inclusion")).to_contain_text("is signed with the key")
        await page.get_by_label("Log", exact=True).select_option("issuance")
        await page.get_by_label("Position").fill("1")
        await found(page, "inclusion", "Entry 1 is in the log:")
        await page.get_by_label("Position").fill("999999")
        await found(page, "inclusion", "ends at position")
        await page.get_by_label("Log", exact=True).select_option("log")
        await page.get_by_label("Position").fill("2")
        await found(page, "consistency", "This browser keeps the checkpoint")
        old = (await stage.live.http.get("/log/checkpoint")).text
        await stage.live.register()

        async def has_grown() -> bool:
            return size_of((await stage.live.http.get("/log/checkpoint")).text) > size_of(old)

        await until(has_grown)
        await page.get_by_label("A checkpoint that you kept").fill(old)
        await found(page, "consistency", "The log grew from")

        await page.get_by_label("A checkpoint that you kept").fill("")
        await found(page, "consistency", "/issuance+")
        await page.evaluate(FORKED)
        await found(page, "consistency", "The log is another one")
        await found(page, "inclusion", "The log is another one")
        await page.get_by_label("A checkpoint that you kept").fill(old)
        await found(page, "consistency", "The log is another one")
        await page.evaluate("localStorage.clear()")
        await found(page, "consistency", "This browser keeps the checkpoint")
        await page.evaluate(CHANGED)
        await found(page, "inclusion", "The proof is wrong")
        await page.evaluate(
            "for (const name of Object.keys(localStorage)) if (name.includes(' key ')) localStorage[name] += 'x'"
        )
        await found(page, "inclusion", "The key is another one")


async def test_a_log_of_another_origin_and_one_that_cannot_be_verified_are_not_kept(stage: Stage):
    async with stage.window() as page:
        await at_the_console(stage, page)
        await page.goto(f"{ISSUER}/console/log")
        await found(page, "inclusion", "This browser saw the key for the first time")
        await page.evaluate(LIAR)
        await found(page, "consistency", "The key is another one")
        await expect(page.locator("#found-consistency .proved")).to_have_count(0)
        await page.reload()
        await page.evaluate(NO_ED25519)
        await found(page, "inclusion", "Entry 1 is in the log")
        await expect(page.locator("#found-inclusion")).to_contain_text("the signature was not checked")
        await expect(page.locator("#found-inclusion .proved")).to_have_count(0)
        assert await page.evaluate("localStorage.length") == 0

"""Events in the console: a refusal says of whom and why, and an event leads to its proof."""

from pathlib import Path

import httpx

from events.muniment_verify import main as verify
from tests.flows.conftest import Live
from tests.flows.consoles import staff
from tests.flows.test_console_evidence import reached
from tests.flows.test_management_tokens import CLIENTS
from tests.patience import until


async def newest(live: Live, kind: str) -> int:
    position = await live.last_change()
    await until(lambda: reached(live, position))
    found = await live.http.get(f"/api/v1/audit/events?type={kind}&limit=1", headers=live.bearer)
    return found.json()[0]["position"]


async def test_a_refusal_names_the_client_and_the_cause(live: Live):
    client, secret = await live.register(displayName="Guessed at")
    refused = await live.token_for(client, f"{secret}x")
    assert refused.status_code == 401
    caller = {"Authorization": f"Bearer {await live.access_token(client, secret)}"}
    assert (await live.http.get(CLIENTS, headers=caller)).status_code == 403
    position = await newest(live, "refusal.client_authentication")
    async with staff(live, "auditor") as somebody:
        for path in (f"/audit?client={client}&type=refusal", "", f"/audit/{position}"):
            page = await somebody.look(path)
            for text in ("Guessed at", "It sent a wrong secret."):
                assert text in page.text, (path, text)
        assert any(link.endswith(f"/console/audit/{position}") for link in (await somebody.look("")).links)
        feed = await somebody.look(f"/audit?client={client}&type=refusal.not_permitted")
        assert f"GET {CLIENTS}: This requires a token with the scope clients:read." in feed.text


async def test_an_event_is_verified_in_the_browser_and_its_proof_is_a_file_that_verifies(live: Live, tmp_path: Path):
    client, _ = await live.register()
    position = await newest(live, "client.registered")
    async with staff(live, "auditor") as somebody:
        page = await somebody.look(f"/audit/{position}")
        assert client in page.text
        link = next(each for each in page.links if "/console/log?" in each)
        assert link.endswith(f"/console/log?position={position}#verify")
        log = await somebody.look(f"/log?position={position}")
        assert (log.form("position").fields["position"], f"log prove {position} -o" in log.text) == (
            str(position),
            True,
        )
        assert (await somebody.look("/log?position=x")).form("position").fields["position"] == "1"

        async def proof() -> httpx.Response | None:
            answer = await somebody.browser.http.get(f"/console/audit/{position}?proof=true")
            return answer if answer.status_code == 200 else None

        found = await until(proof)
        assert found.headers["content-disposition"] == f'attachment; filename="{position}.tlog-proof"'
        keys, proved = tmp_path / "log.vkey", tmp_path / f"{position}.tlog-proof"
        keys.write_bytes((await live.http.get("/log/key")).content)
        proved.write_bytes(found.content)
        assert verify(["--key", str(keys), str(proved)]) == 0
        extra = found.text.splitlines()[1]
        proved.write_text(found.text.replace(extra, f"{extra[:-8]}{'BA'[extra[-8] == 'B']}{extra[-7:]}", 1))
        assert verify(["--key", str(keys), str(proved)]) == 1


async def test_what_an_order_led_to_shows_its_reason(live: Live):
    client, _ = await live.register()
    reason = {**live.bearer, "Muniment-Reason": "ticket 4711"}
    order = {"id": client, "dryRun": False}
    done = await live.http.post("/api/v1/audit/revocations", json=order, headers=reason)
    assert done.json()["revoked"]["client"] == 1
    position = await newest(live, "client.disabled")
    async with staff(live, "auditor") as somebody:
        page = await somebody.look(f"/audit/{position}")
        assert "ticket 4711" in page.text

"""The conformance suite of the Model Context Protocol: its scenarios for authorization servers."""

import asyncio
import json
from pathlib import Path

import httpx
import pytest

from tests.clients.conftest import HERE, asked, built, free_url, needs
from tests.clients.walking import logged_in
from tests.flows.conftest import Live
from tests.flows.people import registered
from tests.patience import PATIENCE

SUITE = "node_modules/@modelcontextprotocol/conformance/dist/index.js"


@pytest.fixture(scope="session")
async def packages() -> Path:
    needs("npm")
    return await built(
        HERE / "mcp", ["package-lock.json"], ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
    )


@pytest.fixture(scope="session")
def node(packages: Path) -> Path:
    """Node.js 22, of npm, for the suite needs it and many machines have an older one."""
    found = next((packages / "node_modules").glob("node-*/bin/node"), None)
    if found is None:
        pytest.skip("no package of Node.js 22 for this machine")
    return found


async def test_every_check_of_the_metadata_succeeds(live: Live, packages: Path, node: Path, tmp_path: Path):
    words = ("authorization", "--url", live.url, "--scenario", "authorization-server-metadata-endpoint", "-o", tmp_path)
    async with asked(node, SUITE, *map(str, words), place=packages) as (_, out):
        await out.read()
    assert _checks(tmp_path) == {
        "authorization-server-metadata": "SUCCESS",
        "authorization-server-metadata-cimd": "SUCCESS",
    }


async def test_every_check_of_a_login_succeeds(live: Live, packages: Path, node: Path, tmp_path: Path):
    """By a public client: with a secret, too, the suite authenticates by `none` where the metadata has it."""
    port = free_url().rpartition(":")[2]
    client_id, _ = await live.interactive(public=True, redirectUri=f"http://127.0.0.1:{port}/callback")
    _, email = await registered(live)
    words = ["--url", live.url, "--port", port, "--client-id", client_id, "--output-dir", str(tmp_path)]
    async with asked(node, SUITE, "authorization", *words, place=packages) as (_, out):
        url = await _line_that_begins(f"{live.url}/openid/authorize?", out)
        async with httpx.AsyncClient(verify=False) as browser:
            await logged_in(browser, url, email)
        await out.read()
    assert set(_checks(tmp_path).values()) == {"SUCCESS"}
    assert "authorization-code-grant" in _checks(tmp_path)


async def _line_that_begins(begin: str, out: asyncio.StreamReader) -> str:
    async with asyncio.timeout(PATIENCE):
        async for line in out:
            if line.decode().startswith(begin):
                return line.decode().strip()
    raise AssertionError(begin)


def _checks(place: Path) -> dict[str, str]:
    """What became of each check of each scenario."""
    found = [json.loads(written.read_text()) for written in place.glob("*/checks.json")]
    return {check["id"]: check["status"] for checks in found for check in checks}

"""Java's stock HTTP client, on its defaults, gets a token: what Spring and every other program of the JVM asks with."""

import asyncio
import json
import shutil
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.flows.conftest import Live

CLIENT = Path(__file__).parent / "Client.java"


async def java(*arguments: str) -> str:
    program = shutil.which("java")
    if program is None:
        pytest.skip("there is no java on this machine")
    fast = ("-Xshare:auto", "-XX:TieredStopAtLevel=1")
    process = await asyncio.create_subprocess_exec(program, *fast, *arguments, stdout=asyncio.subprocess.PIPE)
    said, _ = await process.communicate()
    assert process.returncode == 0
    return said.decode()


async def test_java_s_own_client_gets_a_token_with_each_of_its_requests(live: Live):
    if "jdk.compiler" not in await java("--list-modules"):
        pytest.skip("java on this machine has no compiler")
    form = {"grant_type": "client_credentials", "client_id": live.client_id, "client_secret": live.client_secret}
    said = await java(str(CLIENT), f"{live.url}/openid/token", urlencode(form))
    answers = [line.split(" ", 1) for line in said.splitlines()]
    assert [status for status, _ in answers] == ["200"] * 3
    assert len({json.loads(body)["access_token"] for _, body in answers}) == 3

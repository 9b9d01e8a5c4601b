"""The applications in docs/examples, built, registered and run by the commands of their own READMEs, as a newcomer would type them."""

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from msgspec import Struct

from tests.clients.conftest import HERE, built, free_url, running
from tests.flows.conftest import Live

EXAMPLES = HERE.parents[1] / "docs" / "examples"
ISSUER = "http://127.0.0.1:8000"


SERVES = (".venv/bin/uvicorn ", "node ", "./notes", "java ")
INSTALLS = ("python3 -m venv ", "npm install", "go build ", "mvn ")
NEEDED = ("requirements.txt", "package.json", "go.mod", "go.sum", "*.go", "pom.xml", "src/**/*")
"""What is installed or built again if it has changed."""


class Example(Struct, frozen=True):
    """One that is installed. `home` is where it answers, in place of the README's `written_home`."""

    place: Path
    commands: tuple[str, ...]
    written_home: str
    home: str

    async def register(self, live: Live) -> dict[str, str]:
        """Its client's credentials, as the environment of its programs, after whatever else is to be registered."""
        answers = [
            json.loads(await said(self._here(command, live), TOKEN=live.token))
            for command in self.commands
            if command.startswith("curl -s ")
        ]
        client: dict[str, str] = answers[-1]
        return {"CLIENT_ID": client.get("clientId", ""), "CLIENT_SECRET": client.get("clientSecret", "")}

    @asynccontextmanager
    async def serving(self, live: Live, **environment: str) -> AsyncGenerator[None]:
        """The one that answers requests, until the end of the block."""
        command = self._here(self._command(*SERVES), live)
        there = self.home.removeprefix("http://")
        told = {"ISSUER": live.url, "ADDRESS": there, "PORT": there.rpartition(":")[2], **environment}
        async with running("sh", "-c", f"exec {command}", url=self.home, place=self.place, **told):
            yield

    def _command(self, *begins: str) -> str:
        return next(command for command in self.commands if command.startswith(begins))

    def _here(self, command: str, live: Live) -> str:
        port = self.written_home.rpartition(":")[2]
        there = command.replace(ISSUER, live.url).replace(self.written_home, self.home)
        return there.replace(f"--port {port}", f"--port {self.home.rpartition(':')[2]}")


async def installed(name: str, written_home: str) -> Example:
    """The example at an address of its own, so that its cookies and its port are nobody else's."""
    source = EXAMPLES / name
    commands = tuple(re.findall(r"```sh\n(.*?)```", (source / "README.md").read_text(), re.DOTALL))
    install = next(command for command in commands if command.startswith(INSTALLS)).replace("python3", sys.executable)
    place = await built(source, NEEDED, ["sh", "-ec", install])
    host, port = written_home.rpartition(":")[0], free_url().rpartition(":")[2]
    return Example(place, commands, written_home, f"{host}:{port}")


async def said(*command: str, place: Path = HERE, **environment: str) -> str:
    """What a program printed that ended well. One word is a line for the shell."""
    words = ("sh", "-ec", *command) if len(command) == 1 else command
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *words, cwd=place, env={**inherited, **environment}, stdout=pipe, stderr=pipe
    )
    out, wrong = await process.communicate()
    assert process.returncode == 0, f"{out.decode()}\n{wrong.decode()[-4000:]}"
    return out.decode()

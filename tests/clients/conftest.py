"""Stock clients of other people's making, on their documented defaults, against a live service: `make test-clients`."""

import asyncio
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import fresh_database
from tests.flows.conftest import Live, serving

HERE = Path(__file__).parent
KEPT = Path(tempfile.gettempdir()) / f"muniment-clients-{os.getuid()}"
"""What is built is kept from one run to the next, under the digest of what it was built from."""

BUILT = shutil.ignore_patterns(".venv", "node_modules", "target")
"""What a person built in the folder itself is not copied: it may be of other versions."""


@pytest.fixture(scope="session")
async def live(postgres: str) -> AsyncIterator[Live]:
    settings: dict[str, Any] = {"rate_limit": 0, "failed_auth_limit": 0, "dynamic_registration": "open"}
    async with serving(await fresh_database(postgres), **settings) as live:
        yield live


def needs(*tools: str) -> None:
    """Skips the test where a tool is not on the machine, and says which."""
    missing = [tool for tool in tools if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")


async def built(source: Path, of: Sequence[str], *commands: Sequence[str]) -> Path:
    """A copy of the folder in which these commands have run since the files `of` (as globs) changed. Fails with what one printed."""
    digest = sha256(repr(commands).encode())
    for path in sorted({path for glob in of for path in source.glob(glob) if path.is_file()}):
        digest.update(path.relative_to(source).as_posix().encode() + b"\0" + path.read_bytes())
    place = KEPT / f"{source.name}-{digest.hexdigest()[:16]}"
    if not (place / "built").exists():
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(source, place, ignore=BUILT)
        for command in commands:
            await _ran(command, place)
        (place / "built").touch()
    shutil.copytree(source, place, dirs_exist_ok=True, ignore=BUILT)
    return place


async def _ran(command: Sequence[str], place: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *command, cwd=place, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, f"{' '.join(command)}:\n{said.decode()[-4000:]}"


@asynccontextmanager
async def running(*command: str | Path, url: str, place: Path, **environment: str) -> AsyncGenerator[None]:
    """The program, once it answers at the URL; it is stopped afterwards. Fails with what it printed when it ends by itself."""
    with tempfile.TemporaryFile() as said:
        inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        process = await asyncio.create_subprocess_exec(
            *command, cwd=place, env={**inherited, **environment}, stdout=said, stderr=asyncio.subprocess.STDOUT
        )
        try:
            await _answers(url, process, said)
            yield
        except BaseException:
            said.seek(0)
            sys.stderr.write(said.read().decode(errors="replace")[-4000:])
            raise
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


@asynccontextmanager
async def asked(
    *command: str | Path, place: Path, **environment: str
) -> AsyncGenerator[tuple[asyncio.StreamWriter, asyncio.StreamReader]]:
    """The ends of a program that is spoken with by lines. What it says to stderr is shown when the test fails."""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *command, cwd=place, env={**inherited, **environment}, stdin=pipe, stdout=pipe
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield process.stdin, process.stdout
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _answers(url: str, process: asyncio.subprocess.Process, said: Any) -> None:
    async with httpx.AsyncClient(verify=False) as http:
        while process.returncode is None:
            try:
                await http.get(url)
            except httpx.TransportError:
                await asyncio.sleep(0.1)
            else:
                return
    said.seek(0)
    raise AssertionError(said.read().decode(errors="replace")[-4000:])


def free_url() -> str:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return f"http://127.0.0.1:{free.getsockname()[1]}"

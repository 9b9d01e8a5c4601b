"""Go's stock tooling for transparency logs verifies what a log serves and what commands write, and refuses what was changed."""

import asyncio
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path

import pytest

from events.muniment_verify import main as verify
from events.transparency.checkpoints import TreeHead
from tests.clients.conftest import HERE, built, needs
from tests.flows.conftest import Live
from tests.flows.test_cli import on
from tests.flows.test_transparency import covered, grown
from tests.rules.signed_log import ORIGIN, WITNESS, SignedLog, vkey


@pytest.fixture(scope="session")
async def program() -> Path:
    needs("go")
    return await built(HERE / "tlog", ["**/*"], ["go", "build", "-o", "bin/tlog", "."]) / "bin" / "tlog"


async def said(program: Path, *words: str | Path, **environment: str) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(program, *words, env=environment, stdout=PIPE, stderr=STDOUT)
    text, _ = await process.communicate()
    return process.returncode, text.decode()


async def large(live: Live) -> None:
    """Registers so many clients that the tree has more than one level of tiles."""
    for _ in range(7):
        await asyncio.gather(*(live.register() for _ in range(40)))


@pytest.mark.parametrize("prefix", ["/log", "/log/issuance"])
async def test_go_verifies_what_a_running_log_serves_and_what_its_commands_write(live: Live, program, tmp_path, prefix):
    of = ["--issuance"] if prefix == "/log/issuance" else []
    headers = await live.caller("auditor", "audit:read")
    old = await covered(live, prefix, await grown(live, prefix))
    if prefix == "/log":
        await large(live)
    new = await covered(live, prefix, await grown(live, prefix))
    written = commands(old, new)
    for name, words in written.items():
        ended = await on(live.database, "log", *words, *of)
        assert ended.status == 0, ended.err
        (tmp_path / name).write_text(ended.out)
    (tmp_path / "key").write_text((await live.http.get("/log/key")).text)
    served = await live.http.get(f"{prefix}/proof/inclusion/{old.size}", headers=headers)
    (tmp_path / "served.tlog-proof").write_bytes(served.content)
    token = headers["Authorization"].removeprefix("Bearer ")
    status, text = await said(program, tmp_path, live.url + prefix, TOKEN=token)
    assert (status, text) == (0, f"verified {new.size} entries of {new.origin}\n")
    assert verify(["--key", str(tmp_path / "key"), *(str(tmp_path / name) for name in written)]) == 0


def commands(old: TreeHead, new: TreeHead) -> dict[str, list[str]]:
    """What writes each file."""
    return {
        "old.checkpoint": ["checkpoint", "--at", str(old.size)],
        "checkpoint": ["checkpoint", "--at", str(new.size)],
        "consistency": ["consistency", str(old.size), str(new.size)],
        "first.tlog-proof": ["prove", "1"],
        "last.tlog-proof": ["prove", str(new.size)],
        "export.jsonl": ["export"],
    }


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """The files of a log of 600 events, a witness's cosignature among them."""
    log = SignedLog([100] * 6)
    log.write_tiles(tmp_path, 600)
    for name, content in {
        "key": f"{vkey(ORIGIN)}\n".encode(),
        "witness.key": vkey(WITNESS, 4).encode(),
        "checkpoint": log.checkpoint(600, cosigned_by=WITNESS),
        "old.checkpoint": log.checkpoint(300, cosigned_by=WITNESS),
        "consistency": log.consistency(300, 600, cosigned_by=WITNESS),
        "17.tlog-proof": log.inclusion(17, 600, cosigned_by=WITNESS),
        "export.jsonl": log.export(),
    }.items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


CHANGED = [
    "checkpoint",
    "old.checkpoint",
    "consistency",
    "17.tlog-proof",
    "export.jsonl",
    "tile/0/000",
    "tile/0/002.p/88",
    "tile/1/000.p/2",
    "tile/entries/001",
    "tile/entries/002.p/88",
]


async def test_go_and_muniment_verify_accept_and_refuse_the_same_files(program, place: Path, capsysbinary):
    def ours() -> int:
        given = [place, *(place / name for name in CHANGED if "/" not in name)]
        return verify(
            ["--key", str(place / "key"), "--witness", str(place / "witness.key"), *map(str, given), "--json"]
        )

    assert await said(program, place) == (0, f"verified 600 entries of {ORIGIN}\n")
    assert ours() == 0, capsysbinary.readouterr()
    for name in CHANGED:
        content = (place / name).read_bytes()
        middle = len(content) // 2
        (place / name).write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
        status, text = await said(program, place)
        assert (status, name, ours() > 0) == (1, name, True), text
        (place / name).write_bytes(content)

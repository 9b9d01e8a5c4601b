"""docs/auditing.md: each line answers its question on a running service."""

import asyncio
import json
import os
import re
import shlex
import shutil
import sys
from base64 import urlsafe_b64decode
from datetime import UTC, datetime
from pathlib import Path
from string import Template

import pytest

from service.values.scopes import OPERATORS
from tests.flows.conftest import Live, new_database, serving
from tests.flows.test_cli import MASTER_KEY_TEXT, said
from tests.patience import PATIENCE, until

PAGE = (Path(__file__).parents[2] / "docs" / "auditing.md").read_text()
ROW = re.compile(r"^\| ([^`|]+[.?]) \|(?: `(.+)`)? \| `(.+)` \|$", re.MULTILINE)
LINES: dict[str, tuple[str, str]] = {question: (command, curl) for question, command, curl in ROW.findall(PAGE)}
ANSWERS = {
    "Which clients exist?": ("$CLIENT", "$CLIENT"),
    "Who owns this one, and what can it do?": ("api:public", "api:public"),
    "Why: who gave it that, when, and for what reason?": ("a better name", "a better name"),
    "What could it do last Tuesday at 14:02?": ("Nightly export", "Nightly export"),
    "What has it done?": ("client.registered", "client.registered"),
    "What did it try, and was refused?": ("", "wrong_secret"),
    "Which tokens were issued to it by this secret?": ("$JTI", "$JTI"),
    "Why does this token exist?": ("scope api:public", '"scopes"'),
    "What followed from this secret?": ("$JTI", "$JTI"),
    "What followed from this enterprise or workload platform, which was taken over?": (
        "From trusted issuer ",
        '"kind":"issuer"',
    ),
    "Kill just those.": ("recorded at positions", '"firstPosition"'),
    "How do I stop the client?": ("is disabled", '"state":"disabled"'),
    "Prove it to a third party.": ("proved", "proved"),
    "Did the log only grow since I kept its checkpoint?": ("proved", "proved"),
    "Export March as CSV.": ("client.registered", "client.registered"),
    "Follow it live.": ("", "client.display_name_changed"),
    "Who read all this?": ("audit.read", "audit.read"),
    "Which clients would a stricter rule stop?": ("max_token_lifetime", "max_token_lifetime"),
}
"""By question: what the answers of the command and of the API have."""

SHELL = re.compile("[&|<>;]")
"""What only a shell understands."""

LIVE = "Follow it live."
CLIENTS = "/api/v1/auth/clients"


def test_every_question_of_the_page_has_an_answer_here():
    assert list(LINES) == list(ANSWERS)


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl, with which docs/auditing.md asks the API")
async def test_each_line_answers_its_question(postgres: str, tmp_path: Path):
    async with serving(await new_database(postgres)) as live:
        told, lines = await _happened(live, tmp_path)
        for question, both in lines.items():
            for line, answer in zip(both, ANSWERS[question], strict=True):
                assert bool(line) == bool(answer), question
                if line:
                    is_live = question == LIVE
                    found = await (_followed(line, live, told, tmp_path) if is_live else _run(line, told, tmp_path))
                    wanted = re.sub(r"\$([A-Z]+)", lambda name: told[name[1]], answer)
                    assert wanted in found, f"{question}\n{line}\n{found}"


async def _happened(live: Live, place: Path) -> tuple[dict[str, str], dict[str, tuple[str, str]]]:
    """The variables of the page after a client registered another one and was renamed, and the lines with the times of the test."""
    bearer = await live.caller("alice", *OPERATORS)
    client = {"m2m": True, "botUserId": "alice", "scopes": ["api:public", "clients:write"]}
    made = await live.http.post(CLIENTS, json={**client, "displayName": "Nightly export"}, headers=bearer)
    client_id, client_secret = made.json()["clientId"], made.json()["clientSecret"]
    then = datetime.now(UTC).isoformat()
    token = await live.access_token(client_id, client_secret)
    made = await live.http.post(CLIENTS, json=client, headers={"Authorization": f"Bearer {token}"})
    assert made.status_code == 201, made.text
    await _rename(live, bearer, client_id, "Export", '"1"')
    await live.token_for(client_id, "a wrong secret")
    trusted = {"issuer": "https://idp.example.com", "name": "Example Corp", "purposes": ["id_jag"]}
    made = await live.http.post("/api/v1/auth/trusted-issuers", json=trusted, headers=bearer)
    assert made.status_code == 201, made.text
    (place / "log.vkey").write_bytes((await live.http.get("/log/key")).content)
    (place / "a.checkpoint").write_bytes(await _checkpoint(live, 1))
    old = int((place / "a.checkpoint").read_text().splitlines()[1])
    await _rename(live, bearer, client_id, "Exports", "*")
    new = int((await _checkpoint(live, old + 1)).splitlines()[1])
    secrets = (await live.http.get(f"{CLIENTS}/{client_id}/secrets", headers=bearer)).json()
    told = {
        "ISSUER": live.url,
        "AUTH": f"Authorization: {bearer['Authorization']}",
        "OPERATE": f"Authorization: {bearer['Authorization']}",
        "OLD": str(old),
        "NEW": str(new),
        "CLIENT": client_id,
        "SECRET": secrets[0]["secretId"],
        "IDP": "https://idp.example.com",
        "JTI": json.loads(urlsafe_b64decode(token.split(".")[1] + "=="))["jti"],
        "MUNIMENT_DATABASE_URL": live.database,
        "MUNIMENT_MASTER_KEY": MASTER_KEY_TEXT,
        "MUNIMENT_ISSUER": live.url,
    }
    today = then[: len("2026-03-01")]
    replaced = {
        "2026-03-03T14:02:00Z": then.replace("+00:00", "Z"),
        "2026-03-03T14:02": then,
        "2026-03-01": today,
        "2026-03-31": today,
    }
    return told, {
        question: (_replaced(command, replaced), _replaced(curl, replaced))
        for question, (command, curl) in LINES.items()
    }


async def _checkpoint(live: Live, size: int) -> bytes:
    """The first checkpoint that is seen of at least this size."""

    async def there() -> bytes | None:
        answer = await live.http.get("/log/checkpoint")
        made = answer.is_success and int(answer.text.splitlines()[1]) >= size
        return answer.content if made else None

    return await until(there)


def _replaced(line: str, by: dict[str, str]) -> str:
    for written, meant in by.items():
        line = line.replace(written, meant)
    return line


async def _rename(live: Live, bearer: dict[str, str], client_id: str, name: str, version: str) -> None:
    headers = {**bearer, "If-Match": version, "Muniment-Reason": "a better name"}
    answer = await live.http.patch(f"{CLIENTS}/{client_id}", json={"displayName": name}, headers=headers)
    assert answer.status_code == 200, answer.text


async def _started(line: str, told: dict[str, str], place: Path) -> asyncio.subprocess.Process:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        "bash",
        "-c",
        line,
        env={**os.environ, **told, "PATH": path, "COLUMNS": "200"},
        cwd=place,
        stdout=pipe,
        stderr=pipe,
    )


async def _run(line: str, told: dict[str, str], place: Path) -> str:
    """What the line says in a shell. A command alone is one of this process, which spares the start of an interpreter."""
    if line.startswith("muniment ") and not SHELL.search(line):
        words = [Template(word).substitute(told) for word in shlex.split(line)]
        ended = await said(*words[1:], **told, COLUMNS="200")
        assert ended.status == 0, f"{line}\n{ended.out}\n{ended.err}"
        return ended.out
    process = await _started(line, told, place)
    out, err = await process.communicate()
    assert process.returncode == 0, f"{line}\n{out.decode()}\n{err.decode()}"
    return out.decode()


async def _followed(line: str, live: Live, told: dict[str, str], place: Path) -> str:
    """What is told once something happened, until it is told."""
    process = await _started(f"exec {line}", told, place)
    assert process.stdout is not None
    bearer, found, version = dict([told["OPERATE"].split(": ", 1)]), b"", 3
    try:
        async with asyncio.timeout(PATIENCE):
            while ANSWERS[LIVE][1].encode() not in found:
                read = asyncio.create_task(process.stdout.read(65536))
                while not read.done():
                    await _rename(live, bearer, told["CLIENT"], f"Export {version}", "*")
                    version += 1
                    await asyncio.wait([read], timeout=1)
                found += read.result()
    finally:
        process.kill()
        await process.wait()
    return found.decode()

"""The command line as a whole: help, settings, migrations, and an embedded database shared with a running service."""

import asyncio
import base64
import json
import os
import re
import signal
import socket
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import jwt
import pytest
from msgspec import Struct
from typer.main import get_command
from typer.testing import CliRunner

from service.cli.command_line import app
from service.cli.opening import Plainly
from service.embedded.cluster import running
from service.migrations import run
from service.migrations.version import VERSIONS, WANTED
from tests.conftest import named, upgrade_to
from tests.flows.conftest import MASTER_KEY
from tests.patience import PATIENCE, until

MASTER_KEY_TEXT = base64.urlsafe_b64encode(MASTER_KEY).decode()
BEFORE = sorted(VERSIONS)[-2]
_ONE_AT_A_TIME = asyncio.Lock()
MUNIMENT = Path(sys.executable).with_name("muniment")


class Ended(Struct, frozen=True):
    """What a command wrote, and its exit status."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]


async def start(*words: str, **environment: str) -> Process:
    """The executable itself; of this process's environment it sees PATH alone."""
    return await asyncio.create_subprocess_exec(
        MUNIMENT, *words, env={"PATH": os.environ["PATH"], **environment}, stdin=DEVNULL, stdout=PIPE, stderr=PIPE
    )


async def muniment(*words: str, **environment: str) -> Ended:
    process = await start(*words, **environment)
    async with asyncio.timeout(PATIENCE):
        out, err = await process.communicate()
    assert process.returncode is not None
    return Ended(process.returncode, out.decode(), err.decode())


async def said(*words: str, given: str | bytes | None = None, **environment: str) -> Ended:
    """The command in this process, with `given` on its stdin, one at a time: to start an interpreter for each of many costs half a second of two cores."""
    async with _ONE_AT_A_TIME:
        result = await asyncio.to_thread(CliRunner().invoke, app, words, env=environment, input=given)
    if isinstance(result.exception, Plainly):  # which main() tells in the same way
        return Ended(1, result.stdout, f"{result.stderr}muniment: {result.exception}\n")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Ended(result.exit_code, result.stdout, result.stderr)


async def on(database: str, *words: str, given: str | bytes | None = None, **environment: str) -> Ended:
    """The command on a database of one's own."""
    return await said(
        *words,
        given=given,
        **{"MUNIMENT_DATABASE_URL": database, "MUNIMENT_MASTER_KEY": MASTER_KEY_TEXT, **environment},
    )


def plain(text: str) -> str:
    """Help as it reads, without the frames and line breaks of an 80 column terminal."""
    return re.sub(r"[\s│]+", " ", text)


UNTIL_STOPPED = ("serve", "witness serve", "follow")
COMMANDS = [
    "serve",
    "status",
    "doctor",
    "follow",
    "login",
    "token",
    "logout",
    "db migrate",
    "operator create",
    *(f"clients {name}" for name in ("list", "show", "history", "import", "restore", "unused")),
    *(f"clients {name}" for name in ("create", "edit", "disable", "enable", "delete", "rotate")),
    *(f"secrets {name}" for name in ("list", "add", "revoke")),
    *(f"trusted-issuers {name}" for name in ("list", "show", "history", "create", "edit")),
    *(f"trusted-issuers {name}" for name in ("disable", "enable", "delete")),
    *(f"apis {name}" for name in ("list", "show", "history", "create", "edit", "delete")),
    *(f"client-keys {name}" for name in ("list", "add", "revoke")),
    *(f"devices {name}" for name in ("list", "show", "history")),
    *(f"initial-tokens {name}" for name in ("list", "history", "create", "revoke")),
    *(f"bots {name}" for name in ("list", "show", "history", "restore", "create", "disable", "enable", "delete")),
    *(
        f"users {name}"
        for name in (
            *("create", "list", "history", "change", "password"),
            *("factors", "disable", "enable", "erase", "sessions", "role give", "role take"),
        )
    ),
    *(f"log {name}" for name in ("show", "follow", "export", "archive", "verify")),
    *(f"log {name}" for name in ("prove", "consistency", "checkpoint", "key")),
    *(f"projections {name}" for name in ("list", "show", "verify", "resume", "rebuild")),
    "policy rehearse",
    *(f"tokens {name}" for name in ("list", "show", "revoke", "why")),
    *(f"witness {name}" for name in ("serve", "key")),
    "blast-radius",
    "revoke-tree",
    *(f"keys {name}" for name in ("list", "rotate", "rewrap")),
]


def test_every_command_is_among_them():
    program: Any = get_command(app)
    context = program.make_context("muniment", [], resilient_parsing=True)

    def names(command: Any, name: str) -> list[str]:
        if not hasattr(command, "list_commands"):
            return [name]
        children = ((child, command.get_command(context, child)) for child in command.list_commands(context))
        return [each for child, found in children for each in names(found, f"{name} {child}".strip())]

    assert sorted(names(program, "")) == sorted(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_a_command_has_an_example_and_its_answer_a_form_for_scripts(command: str):
    told = plain(CliRunner().invoke(app, [*command.split(), "--help"], env={"TERMINAL_WIDTH": "80"}).output)
    assert f"muniment {command}" in told.split("Example: ")[1]
    assert ("--json" in told) == (command not in UNTIL_STOPPED)


@pytest.mark.parametrize(
    ("environment", "offered"),
    [
        (
            {"_MUNIMENT_COMPLETE": "complete_bash", "COMP_WORDS": "muniment clients e", "COMP_CWORD": "2"},
            ["edit", "enable"],
        ),
        (
            {"_MUNIMENT_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": "muniment keys r"},
            ['"rotate"', '"rewrap"'],
        ),
        (
            {
                "_MUNIMENT_COMPLETE": "complete_fish",
                "_TYPER_COMPLETE_ARGS": "muniment clients list --state ",
                "_TYPER_COMPLETE_FISH_ACTION": "get-args",
            },
            ["active", "disabled"],
        ),
    ],
    ids=["bash", "zsh", "fish"],
)
async def test_a_shell_completes_commands_and_values_without_a_database(
    environment: dict[str, str], offered: list[str]
):
    ended = await muniment(MUNIMENT_DATABASE_URL="postgresql://u:p@127.0.0.1:1/m", **environment)
    assert [ended.out.count(each) for each in offered] == [1] * len(offered), ended
    assert "serve" not in ended.out


async def test_the_script_that_completes_is_shown():
    """Otherwise typer asks the system which shell runs the tests, and there may be none that it knows."""
    ended = await muniment("--show-completion", "bash", _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1")
    assert (ended.status, "_MUNIMENT_COMPLETE=complete_bash" in ended.out) == (0, True), ended


WRONG = {
    "does not begin with postgresql://": {"MUNIMENT_DATABASE_URL": "mysql://u:pa55@here"},
    "cannot be used": {"MUNIMENT_DATABASE_URL": "postgresql://u:pa55@127.0.0.1:1/m"},
    "has an invalid port": {"MUNIMENT_DATABASE_URL": "postgresql://u:pa55@127.0.0.1:port/m"},
    "is not a setting of Muniment": {"MUNIMENT_DATABSE_URL": "postgresql://u:pa55@127.0.0.1/m"},
}


async def test_a_wrong_setting_is_one_sentence_on_stderr_that_repeats_no_password():
    for sentence, wrong in WRONG.items():
        ended = await said("clients", "list", "--json", **wrong)
        assert (ended.status, ended.out) == (1, "")
        assert sentence in ended.err
        assert ended.err.startswith("muniment: ")
        assert len(ended.err.splitlines()) == 1
        assert "pa55" not in ended.err


async def test_db_migrate_needs_no_master_key_and_says_nothing_to_do_the_second_time(postgres: str):
    admin = await asyncpg.connect(named(postgres, "postgres"))
    await admin.execute("drop database if exists bare")
    await admin.execute("create database bare")
    await admin.close()
    bare = named(postgres, "bare")
    before = await said("clients", "list", MUNIMENT_DATABASE_URL=bare)
    assert before.status == 1
    assert "run muniment db migrate" in before.err
    first = await said("db", "migrate", "--json", MUNIMENT_DATABASE_URL=bare)
    assert first.json["before"] is None
    assert first.json["changed"] is True
    second = await said("db", "migrate", MUNIMENT_DATABASE_URL=bare)
    assert second.out == f"The schema is at version {first.json['after']}: nothing to do.\n"


async def test_commands_share_an_embedded_database_with_a_running_service_and_leave_nothing_running(place: Path):
    data = place / "data"
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    embedded = {"MUNIMENT_DATA": str(data), "PORT": port}
    with running(data) as superuser:
        await run._with_connection(superuser, lambda connection: upgrade_to(connection, BEFORE))
    service = await start("serve", **embedded)
    try:
        await _ready(port, service)
        operator = json.loads((data / "operator.json").read_text())
        listed, rotated = await asyncio.gather(
            muniment("clients", "list", "--json", **embedded), muniment("keys", "rotate", "--json", **embedded)
        )
        assert [client["client_id"] for client in listed.json] == [operator["client_id"]]

        async def signs_with_it() -> bool:  # the service hears of the rotation within a second
            return await _kid_of_a_token(operator) == rotated.json["kid"]

        await until(signs_with_it)
        well, state = await asyncio.gather(
            muniment("doctor", "--json", **embedded), muniment("status", "--json", **embedded)
        )
        wrong = [each for each in well.json["checks"] if each["findings"] and each["check"] != "disk"]
        assert (wrong, well.json["not_checked"], state.status) == ([], [], 0)
        assert state.json["installation"]["workers"] == 1
        second = await muniment("serve", **embedded)
        assert (second.status, second.out) == (1, "")
        assert f"already running, pid {service.pid}, at http://127.0.0.1:{port}" in second.err
        with running(data) as superuser:
            assert await _logged_in(superuser) == {"muniment"}
            await _forget_login(superuser)  # as a data directory has it that an earlier version made
    finally:
        service.send_signal(signal.SIGINT)
        service.send_signal(signal.SIGINT)  # people press Ctrl-C twice
        out, err = (stream.decode() for stream in await service.communicate())
    assert f"Muniment 0.1.0 answers on http://127.0.0.1:{port}\n" in out
    assert "Stopping" in out.split("Ctrl-C stops it")[1]
    assert str(data / "operator.json") in out
    assert operator["client_secret"] not in out  # what is no terminal is a log, which is kept
    assert service.returncode == 0
    assert err == f"muniment: the schema was migrated from version {BEFORE} to {WANTED}\n"
    # The service is gone; the command brings the database up by itself, and takes it down again.
    alone = await muniment("log", "verify", "--json", **embedded)
    assert alone.json["ok"] is True
    assert alone.json["tokens"] == 1
    assert not (data / "postgres" / "postmaster.pid").exists()

    old, new = (data / "master.key").read_bytes(), "bmV3IG1hc3RlciBrZXksIDMyIGJ5dGVzIGV4YWN0bHk="
    rewrapped = await muniment("keys", "rewrap", "--json", **embedded, MUNIMENT_NEW_MASTER_KEY=new)
    assert rewrapped.json == {"keys": 10, "file": str(data / "master.key")}
    # As if the machine had stopped after the vault was wrapped anew and before the file was replaced.
    (data / "master.key").rename(data / "master.key.new")
    (data / "master.key").write_bytes(old)
    (data / "master.key").chmod(0o640)
    doctor = await muniment("doctor", **embedded)
    assert f"error: settings: Other accounts of this machine can read {data}/master.key" in doctor.out
    assert "error: master key: muniment keys rewrap was interrupted" in doctor.out
    again = await muniment("keys", "rewrap", **embedded)
    assert again.status == 0, again.err
    assert (data / "master.key").read_text().strip() == new
    assert not (data / "master.key.new").exists()


async def _logged_in(superuser: str) -> set[str]:
    """Which roles the service's connections belong to, whatever they have become since."""
    connection = await asyncpg.connect(superuser)
    rows = await connection.fetch(
        "select usename from pg_stat_activity where datname = 'muniment' and pid <> pg_backend_pid()"
    )
    await connection.close()
    return {row[0] for row in rows}


async def _forget_login(superuser: str) -> None:
    connection = await asyncpg.connect(superuser)
    await connection.execute("drop role muniment")
    await connection.close()


async def _ready(port: str, service: Process) -> None:
    async with httpx.AsyncClient(verify=False) as http:
        while service.returncode is None:
            try:
                if (await http.get(f"http://127.0.0.1:{port}/health/ready")).status_code == 200:
                    return
            except httpx.TransportError:
                await asyncio.sleep(0.05)
    raise AssertionError(await service.communicate())


async def _kid_of_a_token(operator: dict[str, str]) -> str:
    form = {"grant_type": "client_credentials", **{k: operator[k] for k in ("client_id", "client_secret")}}
    async with httpx.AsyncClient(verify=False) as http:
        answer = await http.post(operator["token_endpoint"], data=form)
    return jwt.get_unverified_header(answer.json()["access_token"])["kid"]


async def test_who_looks_in_the_wrong_directory_is_told_so_and_no_database_is_made_there(place: Path):
    nowhere = place / "typo"
    ended = await said("log", "verify", MUNIMENT_DATA=str(nowhere))
    assert (ended.status, ended.out) == (1, "")
    assert f"There is no Muniment in {nowhere}" in ended.err
    assert not nowhere.exists()


async def test_a_port_that_is_taken_is_said_before_anything_is_made_or_any_secret_shown(place: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = await said("serve", MUNIMENT_DATA=str(place / "data"), PORT=port)
    assert (ended.status, ended.out) == (1, "")
    assert f"cannot answer on 127.0.0.1, port {port}" in ended.err
    assert not (place / "data").exists()


async def test_the_version_is_said():
    assert (await muniment("--version")).out == "muniment 0.1.0\n"

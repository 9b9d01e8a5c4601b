"""muniment log: what it shows, what it follows, what it exports, and that no change of the stored log goes unseen."""

import asyncio
import csv
import io
import json
import os
import signal
from asyncio.subprocess import Process
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from events.chain import event_leaf, next_chain
from events.issuance import Issue, TokenIssued
from events.replay import Checkpoint, head
from service import operators
from service.cli.opening import Plainly
from service.cli.verification import Checkpoints, read_checkpoints
from service.crypto.credentials import new_id
from service.people.accounts import Profile
from service.resources import Resources, open_resources
from tests.flows.conftest import MASTER_KEY, META, settings_for
from tests.flows.test_cli import MUNIMENT, on, said, start
from tests.patience import PATIENCE

ISSUER = "http://127.0.0.1:1"


async def register(resources: Resources, name: str) -> str:
    return (await operators.create(resources.ledger, name, ISSUER, META)).client_id


async def issue(resources: Resources, client: UUID) -> UUID:
    jti = new_id()
    token = TokenIssued(sub="bot", scope="api:public", kid="k", exp=1, address="10.1.2.3")
    await resources.issuance.record(Issue(client=client, secret=new_id(), jti=jti, token=token))
    return jti


@pytest.fixture
async def filled(database: str) -> str:
    """A database whose log has a batch of one event, a batch of several, and five more; four tokens, each a batch."""
    async with open_resources(settings_for(database, ISSUER), database, MASTER_KEY) as resources:
        await register(resources, "first")
        await asyncio.gather(*(register(resources, f"together-{n}") for n in range(4)))
        for n in range(5):
            await register(resources, f"later-{n}")
        for _ in range(4):
            await issue(resources, new_id())
    return database


async def tampered(database: str, *statements: str) -> None:
    """As somebody with all rights on the server would, past the triggers."""
    connection = await asyncpg.connect(database)
    await connection.execute("set session_replication_role = replica; " + "; ".join(statements))
    await connection.close()


def swapped(table: str, one: int, other: int) -> str:
    aside = 1_000_000
    moves = ((one, aside), (other, one), (aside, other))
    return "; ".join(f"update {table} set position = {to} where position = {at}" for at, to in moves)


FLIP = "overlay({0} placing set_byte(substring({0} from 9 for 1), 0, get_byte({0}, 8) # 1) from 9)"

TAMPERING = [
    ("event log", 7, f"update log.events set data = {FLIP.format('data')} where position = 7"),
    ("event log", 7, f"update log.events set meta = {FLIP.format('meta')} where position = 7"),
    ("event log", 7, f"update log.events set leaf = {FLIP.format('leaf')} where position = 7"),
    ("event log", 7, "delete from log.events where position = 7"),
    ("event log", 7, swapped("log.events", 7, 9)),
    ("event log", 2, swapped("log.events", 3, 4)),
    ("event log", 10, "delete from log.events where position = 10"),
    ("event log", 9, "delete from log.batches where last_position >= 9"),
    ("event log", 0, "delete from log.batches; delete from log.events"),
    ("issuance log", 2, f"update log.issuance set data = {FLIP.format('data')} where position = 2"),
    ("issuance log", 2, "delete from log.issuance where position = 2"),
    ("issuance log", 2, "insert into log.issuance select * from log.issuance where position = 2"),
    ("issuance log", 2, swapped("log.issuance", 2, 3)),
    ("issuance log", 4, "delete from log.issuance_batches where last_position = 4"),
    ("checkpoints of the event log", 7, "insert into log.checkpoints values ('log', 7, now(), sha256(''), 'x')"),
]


@pytest.mark.parametrize(
    ("log", "position", "tampering"),
    TAMPERING,
    ids=[
        "a flipped byte of what happened",
        "a flipped byte of who did it",
        "a flipped byte of a leaf",
        "a row gone from the middle",
        "two rows swapped",
        "two rows of one batch swapped",
        "a row gone from the end",
        "batches gone from the end",
        "everything gone",
        "a flipped byte of a token",
        "a token gone",
        "a token twice",
        "two tokens swapped",
        "a batch of tokens gone",
        "a checkpoint that nobody signed",
    ],
)
async def test_verify_names(filled: str, log: str, position: int, tampering: str):
    await tampered(filled, tampering)
    ended = await on(filled, "log", "verify", "--json")
    assert ended.status == 1
    found = ended.json
    assert (found["ok"], found["log"], found["position"]) == (False, log, position)
    assert found["fault"]


async def test_a_log_that_was_cut_off_cleanly_is_found_with_a_checkpoint_of_before(filled: str):
    whole = await on(filled, "log", "verify", "--json")
    assert (whole.json["ok"], whole.json["events"], whole.json["tokens"]) == (True, 10, 4)
    await tampered(
        filled, "delete from log.events where position = 10; delete from log.batches where last_position = 10"
    )
    alone, against = await asyncio.gather(
        on(filled, "log", "verify"), on(filled, "log", "verify", "--from", whole.json["checkpoint"])
    )
    assert alone.status == 0
    assert (against.status, against.out) == (1, "")
    assert "event log, position 10" in against.err
    assert "cut off" in against.err


async def test_with_a_checkpoint_all_is_proved_and_that_the_log_goes_through_it(filled: str):
    before = (await on(filled, "log", "verify")).out.splitlines()[-1].removeprefix("checkpoint: ")
    async with open_resources(settings_for(filled, ISSUER), filled, MASTER_KEY) as resources:
        await register(resources, "another")
    after = await on(filled, "log", "verify", "--from", before, "--json")
    assert (after.json["ok"], after.json["events"], after.json["tokens"]) == (True, 11, 4)
    forged = await on(filled, "log", "verify", "--from", before.replace(before[4:12], "0" * 8, 1))
    assert forged.status == 1
    assert "history before it was changed" in forged.err
    malformed = await on(filled, "log", "verify", "--from", before.partition("+")[0])
    assert malformed.status == 1
    assert "the word that log verify printed" in malformed.err


def test_the_checkpoint_to_go_on_from_is_a_word_or_a_signed_one_and_may_be_in_a_file(tmp_path: Path):
    chain, kept = "ab" * 32, tmp_path / "a.checkpoint"
    word = f"7:{chain}+3:{'cd' * 32}"
    signed = f"https://auth.example.com\n7\n{'A' * 43}=\nchain {chain}\n\n\u2014 auth.example.com {'A' * 92}\n"
    kept.write_text(signed)
    at = Checkpoint(7, bytes.fromhex(chain))
    assert read_checkpoints(word).events == at
    assert [read_checkpoints(text) for text in (signed, signed.strip(), str(kept))] == [Checkpoints(events=at)] * 3
    of_tokens = signed.replace("com\n", "com/issuance\n", 1)
    assert read_checkpoints(of_tokens) == Checkpoints(tokens=at)
    for wrong in (signed.replace("chain", "chains"), str(tmp_path), "nothing"):
        with pytest.raises(Plainly, match="--from takes a checkpoint"):
            read_checkpoints(wrong)


async def test_an_address_given_to_another_account_is_found_and_without_the_master_key_it_is_said_what_was_not_proved(
    filled: str,
):
    async with open_resources(settings_for(filled, ISSUER), filled, MASTER_KEY) as resources:
        for name in ("ada", "bob"):
            await resources.people.register(Profile(email=f"{name}@example.com"), None, META)
    whole, counted, as_json = await asyncio.gather(
        on(filled, "log", "verify"),
        said("log", "verify", MUNIMENT_DATABASE_URL=filled),
        said("log", "verify", "--json", MUNIMENT_DATABASE_URL=filled),
    )
    assert "2 people, each with their own key, and found by their own names alone" in whole.out
    assert "MUNIMENT_MASTER_KEY is not set" in counted.out
    assert (as_json.json["signatures"], as_json.json["vault"]) == ("counted", "counted")
    exchanged = "update vault.names n set user_id = (select user_id from vault.people p where p.user_id <> n.user_id)"
    await tampered(filled, exchanged)
    ended = await on(filled, "log", "verify", "--json")
    assert ended.status == 1
    assert (ended.json["ok"], ended.json["log"]) == (False, "vault")
    assert "an address was given to another account" in ended.json["fault"]


async def test_an_export_is_all_that_an_offline_verifier_needs_and_is_widened_to_whole_batches(filled: str):
    whole, part, beyond, idle, future = await asyncio.gather(
        on(filled, "log", "export"),
        on(filled, "log", "export", "--from", "3", "--to", "6"),
        on(filled, "log", "export", "--from", "11"),
        on(filled, "log", "export", "--since", "2020-01-01", "--until", "2020-01-31"),
        on(filled, "log", "export", "--since", "2999-01-01", "--csv"),
    )
    assert verified_offline(whole.lines) == list(range(1, 11))
    assert verified_offline(part.lines) == [2, 3, 4, 5, 6]
    connection = await asyncpg.connect(filled)
    assert whole.lines[-1]["chain"] == (await head(connection)).chain.hex()
    await connection.close()
    assert (beyond.status, beyond.out, "The log ends at position 10" in beyond.err) == (1, "", True)
    assert (idle.status, verified_offline(idle.lines)) == (0, [])
    assert (future.status, "is in the future" in future.err) == (1, True)


async def test_an_export_to_a_dash_is_on_stdout_and_one_to_a_file_says_so(filled: str, tmp_path: Path):
    dash, file = await asyncio.gather(
        on(filled, "log", "export", "-o", "-"), on(filled, "log", "export", "-o", str(tmp_path / "log.jsonl"))
    )
    assert verified_offline(dash.lines) == list(range(1, 11))
    assert (tmp_path / "log.jsonl").read_text() == dash.out
    assert (dash.err, file.out, "10 events are in" in file.err) == ("", "", True)
    assert not Path("-").exists()


async def test_a_log_is_exported_and_followed_from_a_time_to_a_time_by_type_and_by_actor(filled: str):
    connection = await asyncpg.connect(filled)
    third: datetime = await connection.fetchval("select recorded_at from log.batches where last_position = 6")
    await connection.close()
    since, until = (third.isoformat(), (third + timedelta(days=1)).isoformat())
    later, earlier, typed, nobody = await asyncio.gather(
        on(filled, "log", "export", "--since", since, "--until", until),
        on(filled, "log", "export", "--until", (third - timedelta(microseconds=1)).isoformat()),
        on(filled, "log", "export", "--type", "client.registered", "--actor", "muniment", "--until", "3"),
        on(filled, "log", "follow", "--from-start", "--no-wait", "--actor", "nobody", "--json"),
    )
    assert verified_offline(later.lines) == list(range(6, 11))
    assert verified_offline(earlier.lines) == list(range(1, 6))
    start, *events, end = typed.lines
    assert (start["format"], start["position"], end) == ("muniment-events-1", 0, {"line": "end", "position": 3})
    assert [event["position"] for event in events] == [1, 2, 3]
    assert (nobody.status, nobody.out) == (0, "")


async def test_a_table_of_events_is_the_same_from_export_and_follow(filled: str):
    exported, followed = await asyncio.gather(
        on(filled, "log", "export", "--csv", "--since", "2", "--until", "9"),
        on(filled, "log", "follow", "--csv", "--since", "2", "--until", "9"),
    )
    assert exported.out == followed.out
    assert [row["position"] for row in csv.DictReader(io.StringIO(exported.out))] == [str(n) for n in range(2, 10)]


def verified_offline(lines: list[Any]) -> list[int]:
    """The positions in an export, each proved from the lines alone."""
    first, *between, last = lines
    assert (first["line"], first["format"], last["line"]) == ("start", "muniment-log-1", "end")
    chain, leaves, positions = bytes.fromhex(first["chain"]), [], []
    for line in between:
        if line["line"] == "event":
            leaves.append(leaf_of(line))
            positions.append(line["position"])
            continue
        root, leaves = sha256(b"".join(leaves)).digest(), []
        assert line["root"] == root.hex()
        chain = next_chain(
            chain,
            first=line["first_position"],
            last=line["last_position"],
            recorded_at=datetime.fromisoformat(line["recorded_at"]),
            root=root,
        )
        assert line["chain"] == chain.hex()
    assert last["chain"] == chain.hex()
    return positions


def leaf_of(line: dict[str, Any]) -> bytes:
    leaf = event_leaf(
        stream=UUID(line["stream_id"]),
        version=line["version"],
        schema_version=line["schema_ver"],
        kind=line["type"],
        meta=line["meta"].encode(),
        data=line["data"].encode(),
    )
    assert line["leaf"] == leaf.hex()
    return leaf


async def test_a_reader_that_closes_the_pipe_early_is_no_fault(filled: str):
    process = await asyncio.create_subprocess_shell(
        f"{MUNIMENT} log export | head -n 1",
        env={"PATH": os.environ["PATH"], "MUNIMENT_DATABASE_URL": filled},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert json.loads(out)["line"] == "start"
    assert err == b""


async def test_a_follower_that_nobody_reads_ends_without_another_event(filled: str):
    process = await asyncio.create_subprocess_shell(
        f"{MUNIMENT} log follow --from-start --json | head -n 1; echo over",
        env={"PATH": os.environ["PATH"], "MUNIMENT_DATABASE_URL": filled},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert out.splitlines()[-1] == b"over"
    assert err == b""


async def test_follow_prints_each_event_once_in_order_across_a_restart_of_the_connection_until_ctrl_c(filled: str):
    process = await start(
        "log", "follow", "--from", "9", "--json", MUNIMENT_DATABASE_URL=filled, PYTHONFAULTHANDLER="1"
    )
    seen = await followed(process, 2)
    async with open_resources(settings_for(filled, ISSUER), filled, MASTER_KEY) as resources:
        for n in range(6):
            await register(resources, f"live-{n}")
            if n in (1, 3):
                await all_connections_lost(filled)
        seen += await followed(process, 6)
    assert seen == list(range(9, 17))
    process.send_signal(signal.SIGINT)
    rest, _ = await ended(process)
    assert (process.returncode, rest) == (0, b"")


async def followed(process: Process, count: int) -> list[int]:
    """The positions of the next events that it prints. One that prints no more says where it stands, and fails the test."""
    assert process.stdout is not None
    positions: list[int] = []
    try:
        async with asyncio.timeout(PATIENCE):
            while len(positions) < count:
                positions.append(json.loads(await process.stdout.readline())["position"])
    except TimeoutError:
        process.send_signal(signal.SIGABRT)
        _, told = await process.communicate()
        pytest.fail(f"after {positions} it printed no more: {told.decode()}")
    return positions


async def ended(process: Process) -> tuple[bytes, bytes]:
    """What it printed until its end. One that does not end says where it stands, and fails the test."""
    try:
        async with asyncio.timeout(PATIENCE):
            return await process.communicate()
    except TimeoutError:
        process.send_signal(signal.SIGABRT)
        _, told = await process.communicate()
        pytest.fail(f"it does not end: {told.decode()}")


async def all_connections_lost(database: str) -> None:
    connection = await asyncpg.connect(database)
    await connection.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
    )
    await connection.close()


async def test_show_tells_what_happened_to_a_client_and_to_a_token_and_shows_no_hash(filled: str):
    async with open_resources(settings_for(filled, ISSUER), filled, MASTER_KEY) as resources:
        client_id = await register(resources, "shown")
        jti = await issue(resources, UUID(client_id[13:]))
    told, script, token, nothing = await asyncio.gather(
        on(filled, "log", "show", client_id),
        on(filled, "log", "show", client_id, "--json"),
        on(filled, "log", "show", str(jti), "--json"),
        on(filled, "log", "show", str(new_id())),
    )
    table = await on(filled, "log", "show", client_id, "--csv", "--type", "client")
    assert [row["type"] for row in csv.DictReader(io.StringIO(table.out))] == ["client.registered"]
    assert (await on(filled, "log", "show", client_id, "--type", "bot", "--json")).json["events"] == []
    event = script.json["events"][0]
    assert (event["type"], event["position"], event["version"]) == ("client.registered", 11, 1)
    assert event["actor"] == {"by": "service", "why": "test"}
    hint = event["event"]["secret"]["hint"]
    assert all(word in told.out for word in ("client.registered", "position 11", "version 1", "Muniment (test)", hint))
    assert "hash" not in told.out + script.out
    issued = token.json["issued"]
    assert (issued["client_id"], issued["address"]) == (client_id, "10.1.2.3")
    assert nothing.status == 1
    assert "Nothing ever happened" in nothing.err

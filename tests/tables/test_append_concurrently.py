"""Many processes append at once, and mean the same streams and commands. What the log promises holds for all of them together."""

import asyncio
import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path

from msgspec import json

from events.database import Connection
from tests.tables.appender import COMMANDS, HOT, STEPS, WORKERS, Answered
from tests.tables.conftest import connected, proved

PROCESSES = 4
ROOT = Path(__file__).parents[2]
NEXT = "select position from log.events where position > $1 order by position limit 500"


async def _processes(url: str) -> list[asyncio.subprocess.Process]:
    pipe = asyncio.subprocess.PIPE
    started = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.tables.appender", url, f"seed {number}", cwd=ROOT, stdin=pipe, stdout=pipe
        )
        for number in range(PROCESSES)
    ]
    for process in started:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"ready\n"
    return started


async def _answers(process: asyncio.subprocess.Process) -> list[Answered]:
    out, _ = await process.communicate(b"go\n")
    assert process.returncode == 0
    return json.decode(out, type=list[Answered])


async def _subscribe(connection: Connection, done: asyncio.Event) -> list[int]:
    """What somebody sees who only ever asks for `position > mine`."""
    seen = [0]
    while True:
        last_look = done.is_set()
        page = [row[0] for row in await connection.fetch(NEXT, seen[-1])]
        seen += page
        if last_look and not page:
            return seen[1:]
        await asyncio.sleep(0.002)


async def test_random_concurrent_appends_of_several_processes_keep_every_promise_of_the_log(either_database):
    done = asyncio.Event()
    processes = await _processes(either_database)
    async with connected(either_database) as subscriber, connected(either_database) as reader:
        following = asyncio.create_task(_subscribe(subscriber, done))
        answers = [answer for answers in await asyncio.gather(*map(_answers, processes)) for answer in answers]
        done.set()
        seen = await following
        rows = await reader.fetch(
            "select position, recorded_at, stream_id, version, convert_from(meta, 'UTF8')::json ->> 'request_id' as request_id"
            " from log.events order by position"
        )
        commands = {row[0]: row[1] for row in await reader.fetch("select command_id, last_position from log.commands")}
        head = await proved(reader)

    outcomes = Counter(answer.outcome for answer in answers)
    assert outcomes.total() == PROCESSES * WORKERS * STEPS
    assert min(outcomes["Appended"], outcomes["Conflict"], outcomes["Duplicate"]) > 100, outcomes

    everything = list(range(1, len(rows) + 1))
    assert [row["position"] for row in rows] == everything, "the order is dense"
    assert seen == everything, "a subscriber that polls misses nothing and sees nothing twice"
    assert head.position == len(rows), "the chain accounts for every row"
    assert all(earlier["recorded_at"] <= later["recorded_at"] for earlier, later in pairwise(rows))

    versions: Counter[object] = Counter()
    for row in rows:
        versions[row["stream_id"]] += 1
        assert row["version"] == versions[row["stream_id"]], (
            "the versions of a stream are 1, 2, 3, .. in the log's order"
        )
    assert {stream for stream in HOT if versions[stream]} == set(HOT)

    events_of = Counter(row["request_id"] for row in rows)
    at = {row["position"]: row for row in rows}
    for answer in answers:
        if answer.outcome == "Appended":
            last = at[answer.position]
            assert (last["stream_id"], last["version"]) == (answer.stream, answer.version)
            assert last["request_id"] == answer.request_id
            assert events_of[answer.request_id] == answer.events, "all its events, once"
            assert answer.command is None or commands[answer.command] == answer.position
        else:
            assert events_of[answer.request_id] == 0, "what was refused left nothing"
        if answer.outcome == "Duplicate":
            assert commands[answer.command] == answer.position, "a duplicate is told where the first one is"
    assert set(commands) == set(COMMANDS)
    assert sum(events_of.values()) == sum(a.events for a in answers if a.outcome == "Appended") + PROCESSES

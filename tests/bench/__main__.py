"""`make bench`: the figures of DESIGN section 5, beside the ceiling program's of the same run, and an auditor's questions."""

import argparse
import asyncio
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
from msgspec import json
from rich.console import Console

from service.embedded.cluster import running
from service.migrations.run import migrate
from tests.bench import appends, endpoints, observed, pasts, replays, report, starts
from tests.bench.around import Cluster
from tests.bench.history import measuring
from tests.bench.history.deployment import Size
from tests.bench.hostile import measuring as hostile
from tests.bench.machine import OTHERS, SERVER, Failed, free_port, pinned
from tests.bench.pace import CAREFUL, QUICK, Pace
from tests.bench.peers import ceiling_program, create_database, service

SECTIONS = ("endpoints", "observed", "appends", "replay", "past", "history", "start")
ASKED_FOR = ("hostile",)
"""These figures are about no speed: nobody waits for them who did not ask."""

Say = Callable[[str], None]


def main() -> None:
    """Exit status 1 and a sentence when a figure would not be honest; whatever was started is stopped, also on Ctrl-C."""
    asked = _asked()
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    said, load = Console(stderr=True), os.getloadavg()[0]
    shown = Console(width=None if sys.stdout.isatty() else 180)
    begun = time.monotonic()
    gathered: dict[str, Any] = {}
    try:
        with said.status("starting") as status:
            for name, figures in _sections(
                asked, lambda what: status.update(f"{time.monotonic() - begun:4.0f} s  {what}")
            ):
                gathered[name] = report.plain(figures)
                if not asked.json:
                    report.show(shown, figures)
    except Failed as fault:
        said.print(f"bench: {fault}", style="red", markup=False)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    if asked.json:
        print(json.encode(gathered).decode())  # noqa: T201
    where = f"the server on core {SERVER}, Postgres and the load generator on {OTHERS}"
    said.print(f"{time.monotonic() - begun:.0f} s; {where}")
    if load > 0.5:
        said.print(f"The machine was busy before this began (load {load:.1f}): of these figures trust CPU and ratios.")


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="about two minutes, to see that nothing is badly off")
    parser.add_argument("--json", action="store_true", help="every round, as JSON")
    parser.add_argument("--events", type=int, help="how long a log to replay")
    parser.add_argument("--history", type=int, help="how many events the history has of which an auditor asks")
    parser.add_argument("--tokens", type=int, help="how many issued tokens it has (up to 10,000,000)")
    parser.add_argument("--requests", type=int, default=100_000, help="how many hostile requests (--only hostile)")
    parser.add_argument("--rounds", type=int, help="how many pairs of rounds for each endpoint")
    parser.add_argument(
        "--only", choices=(*SECTIONS, *ASKED_FOR), action="append", help="this section (may be repeated)"
    )
    return parser.parse_args()


def _pace(asked: argparse.Namespace) -> Pace:
    pace = QUICK if asked.quick else CAREFUL
    return pace.__replace__(
        events=asked.events or pace.events,
        rounds=asked.rounds or pace.rounds,
        history=asked.history or pace.history,
        tokens=asked.tokens or pace.tokens,
    )


def _sections(asked: argparse.Namespace, say: Say) -> Iterable[tuple[str, report.Figures]]:
    pace, wanted = _pace(asked), asked.only or SECTIONS
    with pinned(OTHERS), _directory() as directory:
        with running(directory / "postgres") as url:
            databases = asyncio.run(_databases(url))
            if "endpoints" in wanted:
                metrics = {"MUNIMENT_METRICS_ADDRESS": f"127.0.0.1:{free_port()}"}
                with (
                    service(url, directory, more=metrics) as ours,
                    ceiling_program(databases["ceiling"], directory) as ceiling,
                ):
                    yield "endpoints", list(endpoints.measure(ours, ceiling, asyncio.run(_cluster(url)), pace, say))
            if "observed" in wanted:
                yield (
                    "observed",
                    observed.measure({name: databases[name] for name in observed.WAYS}, directory, pace, say),
                )
            if "appends" in wanted:
                yield "appends", appends.measure(databases["appends"], pace, say)
            if "replay" in wanted:
                yield "replay", replays.measure(databases["replay"], pace, say)
            if "past" in wanted:
                yield "past", pasts.measure(databases["past"], pace, say)
            if "history" in wanted:
                size = Size(events=pace.history, tokens=pace.tokens, seconds=pace.read_seconds)
                for name, group in measuring.measure(databases["history"], directory, size, say):
                    yield f"history: {name}", group
            if "hostile" in wanted:
                for found in hostile.measure(databases["hostile"], directory, asked.requests, say):
                    yield "hostile", found
        if "start" in wanted:
            yield "start", starts.measure(directory, pace, say)


@contextmanager
def _directory() -> Generator[Path]:
    """A temporary directory that the account which runs Postgres can pass through, when we are root."""
    with tempfile.TemporaryDirectory(prefix="muniment-bench-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


async def _cluster(url: str) -> Cluster:
    connection = await asyncpg.connect(url)
    try:
        return Cluster(await connection.fetchval("select pg_backend_pid()"))
    finally:
        await connection.close()


async def _databases(url: str) -> dict[str, str]:
    """A database for each kind of measurement, all on the one durable server; the service has the first."""
    await migrate(url)
    made = {
        name: await create_database(url, name, template="muniment")
        for name in ("appends", "replay", "past", "history", *ASKED_FOR, *observed.WAYS)
    }
    return {**made, "ceiling": await create_database(url, "ceiling")}


if __name__ == "__main__":
    main()

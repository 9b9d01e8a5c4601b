"""`make bench`: the figures of the budget, beside the ceiling programs' of the same run, and whether each goal holds."""

import argparse
import asyncio
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec import json
from rich.console import Console

from service.embedded.cluster import running
from service.migrations.run import migrate
from tests.bench.figures import Figures, Goal, goal_table
from tests.bench.machine import OTHERS, SERVER, Failed, described, pinned
from tests.bench.pace import CAREFUL, QUICK, Pace
from tests.bench.place import Place
from tests.bench.sections import ASKED_FOR, SECTIONS

Say = Callable[[str], None]
BUSY = 0.5


def main() -> None:
    """Exit status 1 and a sentence when a figure would not be honest; whatever was started is stopped, also on Ctrl-C."""
    asked = _asked()
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    said, load = Console(stderr=True), os.getloadavg()[0]
    begun = time.monotonic()
    try:
        with said.status("starting") as status:
            _run(asked, lambda what: status.update(f"{time.monotonic() - begun:4.0f} s  {what}"))
    except Failed as fault:
        said.print(f"bench: {fault}", style="red", markup=False)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    where = f"the server on core {SERVER}, Postgres and the load generator on {OTHERS}"
    said.print(f"{time.monotonic() - begun:.0f} s; {where}; {described()}")
    if load > BUSY:
        said.print(f"The machine was busy before this began (load {load:.1f}): of these figures trust CPU and ratios.")


def _run(asked: argparse.Namespace, say: Say) -> None:
    """What was measured before a fault is not lost by it. `ended` is after how many seconds each section had its figures."""
    shown = Console(width=None if sys.stdout.isatty() else 180)
    gathered: dict[str, Any] = {}
    goals: list[Goal] = []
    ended, begun = dict[str, float](), time.monotonic()
    try:
        for name, figures in _sections(asked, say):
            ended[name] = round(time.monotonic() - begun, 1)
            gathered[name] = figures.plain()
            goals += figures.goals()
            shown.print(*figures.tables())
    finally:
        if goals:
            shown.print(goal_table(goals))
        if asked.json:
            asked.json.write_bytes(json.encode({"machine": described(), "ended": ended, **gathered, "goals": goals}))


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="about three minutes, to see that nothing is badly off")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where every round goes, as JSON")
    parser.add_argument("--events", type=int, help="how long a log to replay")
    parser.add_argument("--history", type=int, help="how many events the history has of which an auditor asks")
    parser.add_argument("--tokens", type=int, help="how many issued tokens it has (up to 10,000,000)")
    parser.add_argument("--requests", type=int, help="how many hostile requests (--only hostile)")
    parser.add_argument(
        "--burst", type=int, help="how many tokens are to be followed (--only flat; 5,000,000 is the goal's)"
    )
    parser.add_argument(
        "--registered", type=int, help="how many clients there are (--only flat; 1,000,000 is the goal's)"
    )
    parser.add_argument("--rounds", type=int, help="how many rounds of each program")
    parser.add_argument(
        "--only", choices=(*SECTIONS, *ASKED_FOR), action="append", help="this section (may be repeated)"
    )
    return parser.parse_args()


def _pace(asked: argparse.Namespace) -> Pace:
    pace = QUICK if asked.quick else CAREFUL
    names = ("events", "rounds", "history", "tokens", "requests", "burst", "registered")
    return pace.__replace__(**{name: given for name in names if (given := getattr(asked, name))})


def _sections(asked: argparse.Namespace, say: Say) -> Iterator[tuple[str, Figures]]:
    with pinned(OTHERS), _directory() as directory, running(directory / "postgres") as url:
        asyncio.run(migrate(url))
        place = Place(url=url, directory=directory, pace=_pace(asked), say=say)
        for name in asked.only or SECTIONS:
            yield from {**SECTIONS, **ASKED_FOR}[name](place)


@contextmanager
def _directory() -> Generator[Path]:
    """A temporary directory that the account which runs Postgres can pass through, when we are root."""
    with tempfile.TemporaryDirectory(prefix="muniment-bench-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


if __name__ == "__main__":
    main()

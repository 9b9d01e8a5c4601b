"""`make bench`: the figures of the budget, beside the ceiling programs' of the same run, and whether each goal holds."""

import argparse
import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from service.embedded.cluster import running
from service.migrations.run import migrate
from tests.bench.machine import OTHERS, SERVER, described, pinned
from tests.bench.pace import CAREFUL, QUICK, Pace
from tests.bench.place import Place
from tests.bench.progress import Progress, shown
from tests.bench.report import Report, measure
from tests.bench.sections import ALL_SECTIONS, SECTIONS, Section
from tests.bench.slices import ask_for_short_slices

BUSY = 0.5
ELSEWHERE = (
    "Goals of other runs: beside other servers (make bench-peers), memory over an hour (--only hour), "
    "a token beside a burst of five million (--only flat --burst 5000000 --registered 1000000)."
)


def main() -> None:
    """Exit status 1 when a section has no figures or would have dishonest ones; whatever was started is stopped, also on Ctrl-C."""
    asked = _asked()
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    said, load = Console(stderr=True), os.getloadavg()[0]
    sections = {name: ALL_SECTIONS[name] for name in asked.only or SECTIONS}
    pace = _pace(asked)
    ask_for_short_slices()
    try:
        with said.status("starting") as status:
            progress = Progress({n: each.seconds(pace) for n, each in sections.items()}, shown(said, status))
            report = Report(Console(width=None if sys.stdout.isatty() else 180), asked.json, progress)
            _run(sections, pace, report)
    except KeyboardInterrupt:
        sys.exit(130)
    where = f"the server on core {SERVER}, Postgres and the load generator on {OTHERS}"
    said.print(f"{progress.seconds():.0f} s; {where}; {described()}")
    if load > BUSY:
        said.print(f"The machine was busy before this began (load {load:.1f}): of these figures trust CPU and ratios.")
    if not asked.only:
        said.print(ELSEWHERE, markup=False)
    for name, fault in report.failed.items():
        said.print(f"bench: {name} failed: {fault}", style="red", markup=False)
    sys.exit(1 if report.failed else 0)


def _run(sections: Mapping[str, Section], pace: Pace, report: Report) -> None:
    """The goals are listed also after Ctrl-C."""
    try:
        with pinned(OTHERS), _directory() as directory, running(directory / "postgres") as url:
            asyncio.run(migrate(url))
            measure(sections, Place(url=url, directory=directory, pace=pace, say=report.progress.say), report)
    finally:
        report.end()


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
    parser.add_argument("--minutes", type=float, help="how long the steady load is (--only hour)")
    parser.add_argument("--rounds", type=int, help="how many rounds of each program")
    parser.add_argument("--only", choices=tuple(ALL_SECTIONS), action="append", help="this section (may be repeated)")
    return parser.parse_args()


def _pace(asked: argparse.Namespace) -> Pace:
    pace = QUICK if asked.quick else CAREFUL
    rounds = {"rounds": asked.rounds, "open_rounds": asked.rounds} if asked.rounds else {}
    names = ("events", "history", "tokens", "requests", "burst", "registered", "minutes")
    return pace.__replace__(**rounds, **{name: given for name in names if (given := getattr(asked, name))})


@contextmanager
def _directory() -> Generator[Path]:
    """A temporary directory that the account which runs Postgres can pass through, when we are root."""
    with tempfile.TemporaryDirectory(prefix="muniment-bench-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


if __name__ == "__main__":
    main()

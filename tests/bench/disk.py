"""The machine alone: how long an fdatasync takes that nobody else wants, and how late a process is woken on the load generator's core.

A commit waits for one fdatasync at least, and a token waits for its server and Postgres to be woken, so no token is faster than these.
"""

import os
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from msgspec import Struct
from rich.table import Table

from tests.bench.figures import Figures, table
from tests.bench.load import percentile

PAGE = bytes(8192)
"""What the write-ahead log writes for a small commit."""

FILE_BYTES = 16 * 1024 * 1024
"""Written before, as a segment of that log is: an fdatasync need not record a new length."""

SYNCS, EVERY_SECONDS = 600, 0.005
"""As many as a round of tokens at 200 a second has commits."""


class Times(Struct, frozen=True, kw_only=True):
    """In seconds."""

    p50: float
    p99: float
    p999: float


class Alone(Struct, frozen=True, kw_only=True):
    """How long each fdatasync took, and how late each sleep ended."""

    syncs: Times
    wakes: Times


class Disk(Figures, frozen=True):
    """In the minutes before and after that in which the service was measured."""

    before: Alone
    after: Alone

    def tables(self) -> Iterable[Table]:
        made = table(
            f"The machine alone, {1 / EVERY_SECONDS:.0f} times a second, ms",
            *("", "p50", "p99", "p99.9"),
        )
        for when, each in (("before", self.before), ("after", self.after)):
            for what, times in ((f"fdatasync of {len(PAGE):,} bytes", each.syncs), ("woken late", each.wakes)):
                made.add_row(f"{what}, {when}", *(f"{value * 1e3:.2f}" for value in (times.p50, times.p99, times.p999)))
        yield made


def measure(directory: Path) -> Alone:
    path = directory / "disk"
    path.write_bytes(bytes(FILE_BYTES))
    with path.open("r+b", buffering=0) as file:
        os.fsync(file)
        syncs, wakes = _taken(file.fileno())
    path.unlink()
    return Alone(syncs=_times(syncs), wakes=_times(wakes))


def _times(taken: Sequence[float]) -> Times:
    ordered = sorted(taken)
    return Times(p50=percentile(ordered, 500), p99=percentile(ordered, 990), p999=percentile(ordered, 999))


def _taken(file: int) -> tuple[Sequence[float], Sequence[float]]:
    syncs, wakes = list[float](), list[float]()
    for number in range(SYNCS):
        begun = time.perf_counter()
        os.pwrite(file, PAGE, number * len(PAGE) % FILE_BYTES)
        os.fdatasync(file)
        synced = time.perf_counter()
        syncs.append(synced - begun)
        time.sleep(rest := max(0.0, EVERY_SECONDS - syncs[-1]))
        wakes.append(time.perf_counter() - synced - rest)
    return syncs, wakes

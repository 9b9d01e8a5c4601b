"""The disk alone: how long an fdatasync takes that nobody else wants. A commit waits for one at least, so no token is faster than it."""

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


class Syncs(Struct, frozen=True, kw_only=True):
    """In seconds."""

    p50: float
    p99: float
    p999: float


class Disk(Figures, frozen=True):
    """In the minutes before and after that in which the service was measured."""

    before: Syncs
    after: Syncs

    def tables(self) -> Iterable[Table]:
        made = table(
            f"The disk alone: fdatasync of {len(PAGE):,} bytes, {1 / EVERY_SECONDS:.0f} a second, ms",
            *("", "p50", "p99", "p99.9"),
        )
        for name, each in (("before", self.before), ("after", self.after)):
            made.add_row(name, *(f"{value * 1e3:.2f}" for value in (each.p50, each.p99, each.p999)))
        yield made


def measure(directory: Path) -> Syncs:
    path = directory / "disk"
    path.write_bytes(bytes(FILE_BYTES))
    with path.open("r+b", buffering=0) as file:
        os.fsync(file)
        taken = sorted(_taken(file.fileno()))
    path.unlink()
    return Syncs(p50=percentile(taken, 500), p99=percentile(taken, 990), p999=percentile(taken, 999))


def _taken(file: int) -> Sequence[float]:
    taken: list[float] = []
    for number in range(SYNCS):
        begun = time.perf_counter()
        os.pwrite(file, PAGE, number * len(PAGE) % FILE_BYTES)
        os.fdatasync(file)
        taken.append(time.perf_counter() - begun)
        time.sleep(max(0.0, EVERY_SECONDS - taken[-1]))
    return taken

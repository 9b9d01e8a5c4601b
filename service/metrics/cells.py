"""The memory that a process counts in. Other processes read it as it is written: to count costs an addition, and to show costs nothing.

A file has one line of JSON, its families; then, from the next multiple of eight bytes on, their cells: doubles in the machine's own form.
"""

import fcntl
import logging
import os
from bisect import bisect_left
from collections.abc import Sequence
from mmap import mmap
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import json

from service.metrics.family import Family

if TYPE_CHECKING:  # The class is generic only in its type stub.
    Doubles = memoryview[float]
else:
    Doubles = memoryview

SUFFIX = ".cells"
CELL_BYTES = 8

DIRECTORY = "_MUNIMENT_METRICS"
"""The variable by which `muniment serve` names the directory to its workers."""

log = logging.getLogger("muniment.metrics")

_families = json.Decoder(tuple[Family, ...]).decode


class Counter:
    """A number that only grows."""

    __slots__ = ("_cells", "_place")

    def __init__(self, cells: Doubles, place: int) -> None:
        self._cells, self._place = cells, place

    def inc(self) -> None:
        self._cells[self._place] += 1

    def set(self, total: float) -> None:
        """For what is counted elsewhere."""
        self._cells[self._place] = total


class Gauge:
    """A number that grows and shrinks."""

    __slots__ = ("_cells", "_place")

    def __init__(self, cells: Doubles, place: int) -> None:
        self._cells, self._place = cells, place

    def set(self, value: float) -> None:
        self._cells[self._place] = value


class Histogram:
    """How many values there were up to each bound, and their sum."""

    __slots__ = ("_bounds", "_cells", "_place", "_sum")

    def __init__(self, cells: Doubles, place: int, bounds: Sequence[float]) -> None:
        self._cells, self._place, self._bounds = cells, place, bounds
        self._sum = place + len(bounds) + 1

    def observe(self, value: float) -> None:
        self._cells[self._place + bisect_left(self._bounds, value)] += 1
        self._cells[self._sum] += value


class Cells:
    """The cells of these families, in a file of the directory, or in memory of its own without one."""

    def __init__(self, families: Sequence[Family], directory: Path | None = None) -> None:
        head = json.encode(families) + b"\n"
        begins = _aligned(len(head))
        size = begins + CELL_BYTES * sum(family.size for family in families)
        memory = mmap(-1, size) if directory is None else _shared_if_possible(directory, head, size)
        memory[: len(head)] = head
        self.memory = memory
        self._cells = memoryview(memory)[begins:].cast("d")
        self._places: dict[str, int] = {}
        place = 0
        for family in families:
            self._places[family.name] = place
            place += family.size

    def counter(self, family: Family, *values: str) -> Counter:
        return Counter(self._cells, self._place(family, values))

    def gauge(self, family: Family, *values: str) -> Gauge:
        return Gauge(self._cells, self._place(family, values))

    def histogram(self, family: Family, *values: str) -> Histogram:
        return Histogram(self._cells, self._place(family, values), tuple(family.bounds))

    def _place(self, family: Family, values: tuple[str, ...]) -> int:
        return self._places[family.name] + family.place(*values)


def directory() -> Path | None:
    """Return the directory that the parent of this process reads, if it shows metrics."""
    named = os.environ.get(DIRECTORY)
    return Path(named) if named else None


def read_families(content: bytes) -> tuple[tuple[Family, ...], Doubles]:
    """Return the families of a file and their cells. Raises msgspec.DecodeError."""
    head, _, _ = content.partition(b"\n")
    return _families(head), memoryview(content)[_aligned(len(head) + 1) :].cast("d")


def _aligned(size: int) -> int:
    return -(-size // CELL_BYTES) * CELL_BYTES


def _shared_if_possible(directory: Path, head: bytes, size: int) -> mmap:
    """Map a new file, or memory of this process alone: without a file, tokens are still issued."""
    try:
        return _shared(directory, head, size)
    except OSError:
        log.exception("this process is missing in the metrics: its file cannot be made in %s", directory)
        return mmap(-1, size)


def _shared(directory: Path, head: bytes, size: int) -> mmap:
    """Map a new file, which gets its name once it is whole. It is locked as long as this process lives, so that others can tell."""
    name = f"{os.getpid()}-{os.urandom(4).hex()}"
    begun = directory / name
    file = os.open(begun, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        os.posix_fallocate(file, 0, size)  # on a full disk, to write into a hole of the file would kill the process
        os.pwrite(file, head, 0)
        memory = mmap(file, size)
        begun.rename(directory / f"{name}{SUFFIX}")
    except BaseException:
        os.close(file)
        begun.unlink(missing_ok=True)
        raise
    return memory

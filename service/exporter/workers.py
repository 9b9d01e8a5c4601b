"""What the workers of this service have counted, together. Those that have ended count on: a total never shrinks when one dies."""

import fcntl
import logging
from collections.abc import Sequence
from operator import add
from pathlib import Path

from msgspec import DecodeError, Struct

from service.metrics.cells import SUFFIX, Cells, Doubles, read_families
from service.metrics.family import Family

log = logging.getLogger("muniment.metrics")


class Total(Struct):
    """The cells of each child of a family, added up over processes. Children of a sparse family that are 0 are left out."""

    family: Family
    children: dict[tuple[str, ...], Sequence[float]]


Totals = dict[str, Total]


class Workers:
    """The files of the directory: one for each worker. That of a worker which has ended is read a last time, and deleted."""

    def __init__(self, directory: Path, parent: Cells | None = None) -> None:
        """`parent` is what the process that started them counts, unless it is the only worker."""
        self._directory, self._parent = directory, parent
        self._of_ended: Totals = {}
        self.alive, self.ended = 0, 0

    def totals(self) -> Totals:
        alive: list[bytes] = []
        for file in sorted(self._directory.glob(f"*{SUFFIX}")):
            content, is_alive = _read(file)
            if is_alive:
                alive.append(content)
                continue
            self.ended += 1
            _add(self._of_ended, content, ended=True)
            file.unlink()
        self.alive = len(alive)
        found = {name: Total(each.family, dict(each.children)) for name, each in self._of_ended.items()}
        for content in alive:
            _add(found, content)
        if self._parent is not None:
            _add(found, bytes(self._parent.memory))
        return found


def _read(file: Path) -> tuple[bytes, bool]:
    """Return the content, and whether the process that counts there is alive: it holds a lock."""
    with file.open("rb") as opened:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return opened.read(), True
        return opened.read(), False


def _add(totals: Totals, content: bytes, *, ended: bool = False) -> None:
    try:
        families, cells = read_families(content)
    except (DecodeError, ValueError):
        log.exception("what a worker counted cannot be read")
        return
    place = 0
    for family in families:
        counted = cells[place : place + family.size]
        place += family.size
        if not (ended and family.kind == "gauge"):
            _add_family(totals, family, counted)


def _add_family(totals: Totals, family: Family, cells: Doubles) -> None:
    total = totals.setdefault(family.name, Total(family, {}))
    if total.family.bounds != family.bounds:  # a worker that was started after an upgrade of the files
        return
    width, every = family.width, cells.tolist()
    for number, values in enumerate(family.children()):
        counted = every[number * width : (number + 1) * width]
        if family.sparse and not any(counted):
            continue
        before = total.children.get(values)
        total.children[values] = counted if before is None else list(map(add, before, counted))

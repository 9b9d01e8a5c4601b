"""The last cosigned checkpoint of each log, in one SQLite file. A change is on disk before the cosignature leaves."""

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

from service.witness.decision import NOTHING, Head

CREATE = "create table if not exists heads (origin text primary key, size integer not null, root blob not null) strict"
FIND = "select size, root from heads where origin = ?"
WRITE = (
    "insert into heads values (?, ?, ?) on conflict (origin) do update set size = excluded.size, root = excluded.root"
)


class State:
    """One per process. Several processes may share the file, and threads this object."""

    def __init__(self, file: Path) -> None:
        self._lock = threading.Lock()
        self._database = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        self._database.execute("pragma synchronous = extra")
        self._database.execute(CREATE)

    def advance(self, origin: str, decide: Callable[[Head], Head]) -> None:
        """Replace the head by the one that follows it, in one transaction. If `decide` raises, nothing changes."""
        with self._lock:
            self._database.execute("begin immediate")
            try:
                row = self._database.execute(FIND, (origin,)).fetchone()
                head = decide(NOTHING if row is None else Head(*row))
                self._database.execute(WRITE, (origin, head.size, head.root))
            except BaseException:
                self._database.execute("rollback")
                raise
            self._database.execute("commit")

    def close(self) -> None:
        self._database.close()

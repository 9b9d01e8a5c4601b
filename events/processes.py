"""Other processes that share a long work with this one: as many as there are cores."""

import atexit
import os
import signal
import sys
from collections.abc import Generator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from threading import Thread
from typing import Any

MOST = 8
"""Each has connections of its own."""


def cores() -> int:
    usable: Any = getattr(os, "sched_getaffinity", None)
    return min(len(usable(0)) if usable else os.cpu_count() or 1, MOST)


@contextmanager
def pool(size: int) -> Generator[ProcessPoolExecutor]:
    """Yields processes, which start with the first work. At the end, what has begun is waited for."""
    # Not forked: a process that has connections and threads cannot be copied safely.
    processes = ProcessPoolExecutor(size, mp_context=get_context("spawn"), initializer=_begun)
    with _unknown_program():
        try:
            yield processes
        finally:
            processes.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _unknown_program() -> Generator[None]:
    """Hides this program from them: each would import it, and to load a command line takes as long as what a process needs itself."""
    program = sys.modules["__main__"]
    spec, file = program.__spec__, getattr(program, "__file__", None)
    program.__spec__ = program.__file__ = None
    try:
        yield
    finally:
        program.__spec__, program.__file__ = spec, file


def _begun() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C is for the process that asked
    Thread(target=_end_with_the_one_that_asked, daemon=True).start()
    # Its end is waited for, and to take its modules apart takes a third as long as to load them.
    atexit.register(os._exit, 0)


def _end_with_the_one_that_asked() -> None:
    """If it was killed, nobody else ends this one."""
    asked = parent_process()
    assert asked is not None
    asked.join()
    os._exit(1)

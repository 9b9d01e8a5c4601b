"""Modules that are loaded while something else is waited for, such as Postgres, which starts on another core."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import import_module
from threading import Thread

from events.ahead import collected_seldom


def begin(modules: Sequence[str]) -> Callable[[], None]:
    """Returns what waits until they are loaded.

    Nothing else is imported before that: two threads that import what imports each other could see it half made.
    """
    thread = Thread(target=_load, args=(modules,))
    thread.start()
    return thread.join


def _load(modules: Sequence[str]) -> None:
    # Collected seldom, since what is loaded is there for good. Whoever needs a module meets its fault again, and can say it.
    with collected_seldom(), suppress(Exception):
        for module in modules:
            import_module(module)

"""Exports of the logs by the command line: how fast, and how much memory the command takes."""

import importlib.util
import subprocess
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import psutil

from tests.bench.history.figures import Figure, Group, single
from tests.bench.machine import SERVER, Failed, environment, pinned
from tests.bench.peers import MUNIMENT, settings_of

MOST_TOKENS = 1_000_000
"""So many of the newest tokens are exported."""

LOOK_SECONDS = 0.05


def measure(url: str, events: int, tokens: int, directory: Path) -> Group:
    first = max(tokens - MOST_TOKENS, 0) + 1
    wanted: dict[str, tuple[int, list[str]]] = {
        "ndjson": (events, []),
        "csv": (events, ["--format", "csv"]),
        "tokens, ndjson": (tokens - first + 1, ["--issuance", "--since", str(first)]),
    }
    if importlib.util.find_spec("pyarrow") is not None:
        wanted["parquet"] = (events, ["--format", "parquet"])
    figures = [
        figure for name, (count, words) in wanted.items() for figure in _exported(url, name, count, words, directory)
    ]
    return Group(title="Exports by the command line", figures=figures)


def _exported(url: str, name: str, count: int, words: list[str], directory: Path) -> Iterable[Figure]:
    file = directory / "exported"
    command = [MUNIMENT, "log", "export", *words, "-o", file]
    settings = environment(**settings_of(url, 8000), MUNIMENT_DATA=str(directory / "unused"))
    begun = time.perf_counter()
    with pinned(SERVER):
        process = subprocess.Popen(command, env=settings, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
    with process:
        most = _most_memory(process)
        seconds = time.perf_counter() - begun
        if process.returncode or process.stderr is None:
            raise Failed(f"{command}: {process.stderr and process.stderr.read().decode()}")
    size = file.stat().st_size
    file.unlink()
    yield single(f"{name}, {count:,} entries, {size / 1e6:,.0f} MB", "entries/s", count / seconds)
    yield single(f"{name}, the most memory (RSS)", "MB", most / 1e6)


def _most_memory(process: subprocess.Popen[bytes]) -> int:
    """Returns the most bytes that it had at once, when it has ended. (What the system keeps of that counts this process, too.)"""
    seen, most = psutil.Process(process.pid), 0
    while process.poll() is None:
        with suppress(psutil.NoSuchProcess):
            most = max(most, seen.memory_info().rss)
        time.sleep(LOOK_SECONDS)
    return most

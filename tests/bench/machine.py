"""Who runs where: the server under test alone on one core, Postgres and the load generator on the others."""

import os
import platform
import signal
import socket
import subprocess
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

READY_SECONDS = 30
STOP_SECONDS = 10
POSTGRES = "postgres"


class Failed(Exception):
    """A figure that would not be honest is not printed; this says why."""


def _affinity() -> list[int]:
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


ALL = _affinity()
SERVER, OTHERS = (ALL[-1:], ALL[:-1]) if len(ALL) > 1 else (ALL, ALL)


@contextmanager
def pinned(cores: Sequence[int]) -> Generator[None]:
    """Runs this process, and whatever it starts meanwhile, on these cores alone (where the system can do that)."""
    if not cores:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def seconds_of(process: psutil.Process) -> float:
    """User and system time so far; none of a process that has ended."""
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return times.user + times.system


class Server:
    """A program that listens on a port, with the processes that it started."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process = process
        self.address = ("127.0.0.1", port)
        self._seen = psutil.Process(process.pid)

    def cpu_seconds(self) -> float:
        """User and system time of its processes so far."""
        return sum(seconds_of(each) for each in self._processes())

    def pss(self) -> int:
        """Bytes of memory that are its own, and its share of what it shares."""
        return sum(each.memory_full_info().pss for each in self._processes())

    def own_memory(self) -> int:
        """Bytes of memory without the files that it maps: its share of them changes as other programs start and end."""
        return sum(memory.rss - memory.shared for memory in (each.memory_info() for each in self._processes()))

    def _processes(self) -> list[psutil.Process]:
        """An embedded Postgres is no part of it."""
        children = self._seen.children(recursive=True)
        return [self._seen, *(each for each in children if each.name() != POSTGRES)]

    @contextmanager
    def paused(self) -> Generator[None]:
        """It does nothing meanwhile: no projection follows in the rounds of another program."""
        os.killpg(self.process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(self.process.pid, signal.SIGCONT)

    def listening(self) -> bool:
        try:
            socket.create_connection(self.address, timeout=1).close()
        except OSError:
            return False
        return True


@contextmanager
def started(
    command: Sequence[str | Path],
    environment: Mapping[str, str],
    port: int,
    *,
    log: Path,
    cores: Sequence[int] = SERVER,
) -> Generator[Server]:
    """The program, from its start on; stopped, whatever happens, in STOP_SECONDS."""
    with log.open("ab") as said, pinned(cores):
        # In a session of its own, so that a Ctrl-C reaches it through us and once.
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True
        )
    try:
        yield Server(process, port)
    finally:
        stop(process)


def await_listening(server: Server, log: Path, *, seconds: float = READY_SECONDS) -> None:
    """Raises Failed when the program ended, or does not listen in time."""
    until = time.monotonic() + seconds
    while not server.listening():
        if server.process.poll() is not None or time.monotonic() > until:
            raise Failed(f"{server.process.args!r} did not start:\n{log.read_text()[-2000:]}")
        time.sleep(0.005)


def stop(process: subprocess.Popen[bytes]) -> None:
    for order in (signal.SIGTERM, signal.SIGKILL):
        process.send_signal(order)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            continue
        return


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]


def environment(**settings: str) -> dict[str, str]:
    """The environment of this process, with these settings of Muniment and no others."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("MUNIMENT_")}
    return {**ours, **settings}


def described() -> str:
    """What the figures of this run depend on."""
    cpus = Path("/proc/cpuinfo")
    models = (
        [line.split(":")[1].strip() for line in cpus.read_text().splitlines() if line.startswith("model name")]
        if cpus.exists()
        else []
    )
    model = models[0] if models else platform.machine()
    return (
        f"{model}, {os.cpu_count()} cores, {platform.system()} {platform.release()}, Python {platform.python_version()}"
    )

"""The server's first process: is it alive, is it really this cluster's, is it ready, and its end."""

import contextlib
import os
import signal
import socket
import struct
import time
from collections.abc import Callable

import psutil
from msgspec import Struct

from service.embedded.directory import Directory

POLL_SECONDS = 0.004
ANSWER_SECONDS = 5.0
LEFTOVER_SECONDS = 0.5
KILLED_SECONDS = 10.0
# Fast (finish and checkpoint), immediate (recover at the next start), and what a stuck disk may call for.
STOPPING = ((signal.SIGINT, 60.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 10.0))
SSL_REQUEST = struct.pack("!ii", 8, 80877103)


class PidFile(Struct, frozen=True):
    """What a postmaster writes of itself into postmaster.pid, from its first moment to its last."""

    pid: int
    socket_directory: str = ""
    status: str = ""


def pid_file(place: Directory) -> PidFile | None:
    """What postmaster.pid says; None when there is none, or it is just being written."""
    try:
        lines = os.fsdecode((place.cluster / "postmaster.pid").read_bytes()).splitlines()
        return PidFile(int(lines[0]), *lines[4:5], *(line.strip() for line in lines[7:8]))
    except (FileNotFoundError, IndexError, ValueError):
        return None


def find(place: Directory) -> psutil.Process | None:
    """The live postmaster of this cluster; a pid alone proves nothing, after a restart it may be anybody's."""
    written = pid_file(place)
    if written is None:
        return None
    try:
        process = psutil.Process(written.pid)
    except psutil.NoSuchProcess:
        return None
    return process if belongs(process, place) else None


def belongs(process: psutil.Process, place: Directory) -> bool:
    """Whether this is a live Postgres process of this cluster."""
    try:
        # The name comes first: is_alive reaps, and other dead children are their parents' business.
        if process.name() != "postgres" or process.uids().real != place.account.uid or not is_alive(process):
            return False
        try:
            return process.cwd() == str(place.cluster)
        except psutil.AccessDenied:
            # Root in a container lacks the capability to see another account's directory, but the command line is public.
            words = process.cmdline()
            return str(place.cluster) in words or place.name in " ".join(words)
    except psutil.NoSuchProcess:
        return False


def is_alive(process: psutil.Process) -> bool:
    """Whether the process still runs; a zombie does not, and is reaped when it is ours (as everybody's is for pid 1)."""
    try:
        if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            return True
    except psutil.NoSuchProcess:
        return False
    with contextlib.suppress(ChildProcessError):
        os.waitpid(process.pid, os.WNOHANG)
    return False


def is_ready(place: Directory, process: psutil.Process) -> bool:
    """Whether the postmaster accepts connections at the place where we tell people to connect."""
    written = pid_file(place)
    return written is not None and written.pid == process.pid and written.status == "ready" and answers(place)


def is_settled(place: Directory, process: psutil.Process) -> bool:
    """Whether it has become clear what comes of this postmaster: ready, on its way out, or gone."""
    written = pid_file(place)
    return not is_alive(process) or (written is not None and written.status in ("ready", "stopping"))


def is_foreign(place: Directory) -> bool:
    """Whether the postmaster was started by hand, with its socket where none of our users looks for it."""
    written = pid_file(place)
    return written is not None and written.status == "ready" and written.socket_directory != str(place.socket_directory)


def answers(place: Directory) -> bool:
    """Whether a server answers on the socket: it is asked for TLS, which it declines without logging anything."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(ANSWER_SECONDS)
        try:
            client.connect(str(place.socket))
            client.sendall(SSL_REQUEST)
            return client.recv(1) != b""
        except OSError:
            return False


def until(condition: Callable[[], bool], seconds: float) -> bool:
    """Poll until the condition holds; False when the time is up."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(POLL_SECONDS)
    return True


def stop(process: psutil.Process, *, firmly: bool = False) -> None:
    """End a postmaster, more firmly each time it does not listen; firmly from the first when it no longer answers."""
    for order, seconds in STOPPING[1:] if firmly else STOPPING:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(order)
        if until(lambda: not is_alive(process), seconds):
            return


def clear_leftovers(place: Directory) -> None:
    """Make way for a new postmaster after one that died unasked.

    Its backends may still be writing: two generations on one cluster would destroy it, so they go first. Then a
    postmaster.pid whose number is now somebody else's is taken away; a number that is free is left to Postgres,
    which also looks for shared memory in use.
    """
    written = pid_file(place)
    if written is None:
        return
    leftovers = [process for process in psutil.process_iter() if belongs(process, place)]
    if not _are_gone(leftovers, LEFTOVER_SECONDS):
        for process in leftovers:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        _are_gone(leftovers, KILLED_SECONDS)
    if psutil.pid_exists(written.pid):
        (place.cluster / "postmaster.pid").unlink(missing_ok=True)
        place.socket.with_name(f"{place.socket.name}.lock").unlink(missing_ok=True)


def _are_gone(processes: list[psutil.Process], seconds: float) -> bool:
    return until(lambda: not any(is_alive(process) for process in processes), seconds)

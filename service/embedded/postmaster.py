"""The server's first process: whether it is alive, belongs to this cluster and is ready; and its end."""

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
# Fast (with a checkpoint), immediate (recovery at the next start), and kill, which a stuck disk may need.
STOPPING = ((signal.SIGINT, 60.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 10.0))
SSL_REQUEST = struct.pack("!ii", 8, 80877103)


class PidFile(Struct, frozen=True):
    """The contents of postmaster.pid, which a postmaster keeps from its start to its end."""

    pid: int
    socket_directory: str = ""
    status: str = ""


def pid_file(place: Directory) -> PidFile | None:
    """Returns the contents of postmaster.pid; None if it is missing or incomplete."""
    try:
        lines = os.fsdecode((place.cluster / "postmaster.pid").read_bytes()).splitlines()
        return PidFile(int(lines[0]), *lines[4:5], *(line.strip() for line in lines[7:8]))
    except (FileNotFoundError, IndexError, ValueError):
        return None


def find(place: Directory) -> psutil.Process | None:
    """Returns the live postmaster of this cluster, or None. A pid alone proves nothing: after a reboot another process may have it."""
    written = pid_file(place)
    if written is None:
        return None
    try:
        process = psutil.Process(written.pid)
    except psutil.NoSuchProcess:
        return None
    return process if belongs(process, place) else None


def belongs(process: psutil.Process, place: Directory) -> bool:
    """Returns whether this is a live Postgres process of this cluster."""
    try:
        # We check the name first, because is_alive reaps, and other dead children are not ours to reap.
        if process.name() != "postgres" or process.uids().real != place.account.uid or not is_alive(process):
            return False
        try:
            return process.cwd() == str(place.cluster)
        except psutil.AccessDenied:
            # In a container root may not see another account's working directory, but it can read the command line.
            words = process.cmdline()
            return str(place.cluster) in words or place.name in " ".join(words)
    except psutil.NoSuchProcess:
        return False


def is_alive(process: psutil.Process) -> bool:
    """Returns whether the process still runs. A zombie does not; we reap it if it is our child (pid 1 is parent of every orphan)."""
    try:
        if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            return True
    except psutil.NoSuchProcess:
        return False
    with contextlib.suppress(ChildProcessError):
        os.waitpid(process.pid, os.WNOHANG)
    return False


def is_ready(place: Directory, process: psutil.Process) -> bool:
    """Returns whether the postmaster accepts connections on the socket that our URL names."""
    written = pid_file(place)
    return written is not None and written.pid == process.pid and written.status == "ready" and answers(place)


def is_settled(place: Directory, process: psutil.Process) -> bool:
    """Returns whether this postmaster is no longer starting: it is ready, stopping or ended."""
    written = pid_file(place)
    return not is_alive(process) or (written is not None and written.status in ("ready", "stopping"))


def is_foreign(place: Directory) -> bool:
    """Returns whether the postmaster was started by hand, with a socket in another directory than ours."""
    written = pid_file(place)
    return written is not None and written.status == "ready" and written.socket_directory != str(place.socket_directory)


def answers(place: Directory) -> bool:
    """Returns whether a server answers on the socket. We send an SSLRequest, which it declines without a line in its log."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(ANSWER_SECONDS)
        try:
            client.connect(str(place.socket))
            client.sendall(SSL_REQUEST)
            return client.recv(1) != b""
        except OSError:
            return False


def until(condition: Callable[[], bool], seconds: float) -> bool:
    """Polls until the condition holds. Returns False after this many seconds."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(POLL_SECONDS)
    return True


def stop(process: psutil.Process, *, firmly: bool = False) -> None:
    """Ends a postmaster with stronger and stronger signals. `firmly` leaves out the first, for one that no longer answers."""
    for order, seconds in STOPPING[1:] if firmly else STOPPING:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(order)
        if until(lambda: not is_alive(process), seconds):
            return


def clear_leftovers(place: Directory) -> None:
    """Prepares the cluster for a new postmaster after the old one died.

    Backends of the old one may still write, and two generations of them would destroy the cluster, so we end them first. Then
    we remove postmaster.pid if another process has its pid now. If the pid is free, Postgres removes the file itself, after it
    has checked for shared memory in use.
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

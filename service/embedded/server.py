"""Ensures that a cluster's server runs: joins a running server, or starts one."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import psutil
from msgspec import Struct

from service.embedded import creation, postmaster, server_log
from service.embedded.account import detach, name_of
from service.embedded.binaries import Binaries, find, within_reach
from service.embedded.directory import Directory, check_owner, close_socket_directory, open_socket_directory
from service.embedded.errors import InUseElsewhere, NotStarted
from service.embedded.locks import open_file

# Crash recovery replays at most max_wal_size, which can take long on a slow disk.
READY_SECONDS = 300.0
INTERRUPTED_SECONDS = 1.0
SETTINGS = {
    "listen_addresses": "",
    "port": "5432",
    "unix_socket_permissions": "0700",
    "max_connections": "500",
    "shared_buffers": "128MB",
    "max_wal_size": "1GB",
    "wal_recycle": "off",  # A checkpoint deletes old segments instead of recycling them, because they contain data of erased users.
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
}


class Server(Struct, frozen=True):
    """A server that should run: its place, its binaries (None: the first that are found) and the settings for a start."""

    place: Directory
    binaries: Path | None
    settings: Mapping[str, str]


def ensure(server: Server) -> psutil.Process:
    """Returns the ready postmaster of the cluster, which is made and started if necessary. Call it only within `changing`.

    Raises EmbeddedError.
    """
    place = server.place
    if place.cluster.exists():
        check_owner(place)
    there = creation.exists(place)
    if there and (process := _joined(place)):
        return process
    binaries = within_reach(find(server.binaries, place.cluster if there else None), place.account)
    creation.clear_staging(place)
    if not there:
        creation.create(place, binaries)
    return _started(server, binaries)


def _joined(place: Directory) -> psutil.Process | None:
    """Returns the running server, if other processes use it or a killed one left it. A server that does not answer is ended."""
    process = postmaster.find(place)
    if process is None:
        if postmaster.answers(place):
            raise InUseElsewhere(
                f"A Postgres answers on {place.socket}, but its process cannot be seen from here, so it runs in another "
                "container: stop it, or name another directory in MUNIMENT_DATA."
            )
        return None
    postmaster.until(lambda: postmaster.is_settled(place, process), READY_SECONDS)
    if postmaster.is_foreign(place):
        raise InUseElsewhere(
            f"Another Postgres (pid {process.pid}) was started by hand on {place.cluster}, with a socket that is not "
            f"{place.socket}: stop it first."
        )
    if postmaster.is_ready(place, process):
        return process
    written = postmaster.pid_file(place)
    postmaster.stop(process, firmly=written is not None and written.status != "stopping")
    return None


def _started(server: Server, binaries: Binaries) -> psutil.Process:
    place = server.place
    postmaster.clear_leftovers(place)
    open_socket_directory(place)
    server_log.turn(place)
    with open_file(place, place.log.name) as log:
        start = os.fstat(log).st_size
        try:
            process = _awaited(place, detach(place.account, _command(server, binaries), log))
        except (OSError, subprocess.SubprocessError) as error:
            raise NotStarted(f"Postgres could not be started as {name_of(place.account.uid)}: {error}") from error
        except BaseException:
            # After an interruption we wait until `leave` can find the postmaster that is starting.
            postmaster.until(lambda: postmaster.find(place) is not None, INTERRUPTED_SECONDS)
            raise
        if process is None:
            said = server_log.tail(log, start).decode(errors="replace").strip()
            raise NotStarted(f"Postgres did not start on {place.cluster}; its log, {place.log}, ends in\n{said}")
        return process


def _command(server: Server, binaries: Binaries) -> list[str | Path]:
    place = server.place
    # The setting is a list separated by commas; quotes protect a path with special characters.
    sockets = '"' + str(place.socket_directory).replace('"', '""') + '"'
    own = {"unix_socket_directories": sockets, "cluster_name": place.name}
    settings = {**SETTINGS, **own, **server.settings}
    given = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    return [binaries.path / "postgres", "-D", place.cluster, *given]


def _awaited(place: Directory, pid: int) -> psutil.Process | None:
    """Returns the postmaster when it is ready; None if the one that we started has ended, or is not ready in time.

    It can be another one than we started: a process that was just killed may have started one too, and only one succeeds.
    """

    def settled() -> bool:
        process = postmaster.find(place)
        return postmaster.is_settled(place, process) if process else not _runs(pid)

    postmaster.until(settled, READY_SECONDS)
    process = postmaster.find(place)
    return process if process and postmaster.is_ready(place, process) else None


def _runs(pid: int) -> bool:
    try:
        return postmaster.is_alive(psutil.Process(pid))
    except psutil.NoSuchProcess:
        return False


def leave(server: Server) -> None:
    """Stops the server. Only its last user calls it, within `changing`."""
    process = postmaster.find(server.place)
    if process and not postmaster.is_foreign(server.place):
        postmaster.stop(process)
        close_socket_directory(server.place)

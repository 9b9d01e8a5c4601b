"""A process that has imported the embedded Postgres once and forks a child for each of its users: an interpreter costs 0.3 seconds."""

import gc
import json
import os
import socket
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any, NoReturn

from tests.faults.use import use
from tests.patience import PATIENCE

REPOSITORY = Path(__file__).parents[2]
MOST_BYTES = 128 * 1024


class Nursery:
    """The tests' end of it; closing that ends the process."""

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        command = [sys.executable, "-m", "tests.faults.nursery"]
        with theirs:
            self._process = subprocess.Popen(command, stdin=theirs.fileno(), cwd=REPOSITORY, start_new_session=True)

    def child(self, wish: dict[str, Any], prefix: list[str], pipes: tuple[int, int, int]) -> tuple[int, int]:
        """(pid, pidfd) of a new user with these pipes as its stdin, stdout and stderr, in a session of its own.

        A prefix, such as `setpriv`, has to execute a program, so that user gets an interpreter of its own.
        """
        socket.send_fds(self._socket, [json.dumps([wish, prefix]).encode()], pipes)
        pid, [pidfd], _, _ = socket.recv_fds(self._socket, MOST_BYTES, 1)
        return int(pid), pidfd

    def close(self) -> None:
        self._socket.close()
        self._process.wait(PATIENCE)


def serve(requests: socket.socket) -> None:
    """Fork what is asked for until the tests have ended, however they ended."""
    gc.freeze()
    while True:
        request, pipes, _, _ = socket.recv_fds(requests, MOST_BYTES, 3)
        _reap()
        if not request:
            return
        pid = os.fork()
        if not pid:
            requests.close()
            wish, prefix = json.loads(request)
            _live(wish, prefix, pipes)
        pidfd = os.pidfd_open(pid)
        socket.send_fds(requests, [str(pid).encode()], [pidfd])
        for descriptor in (*pipes, pidfd):
            os.close(descriptor)


def _reap() -> None:
    """Only between two forks, so that the pid of the newest cannot become somebody else's before its pidfd is open."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return


def _live(wish: dict[str, Any], prefix: list[str], pipes: list[int]) -> NoReturn:
    status = 1
    try:
        os.setsid()
        for number, pipe in enumerate(pipes):
            os.dup2(pipe, number)
            os.close(pipe)
        if prefix:
            os.execvp(prefix[0], [*prefix, sys.executable, "-m", "tests.faults.use", json.dumps(wish)])
        use(wish)
        status = 0
    except SystemExit:
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


if __name__ == "__main__":
    serve(socket.socket(fileno=0))

"""What a user of an embedded Postgres does, in a process of its own: say what came of the start, stay until stdin ends."""

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from service.embedded import cluster, directory, errors, postmaster, server_log


def use(wish: dict[str, Any]) -> None:
    """Prints ["up", url] or the error's class and text."""
    _set_up(wish)
    binaries = wish["binaries"] and Path(wish["binaries"])
    try:
        with cluster.running(Path(wish["data"]), binaries=binaries, settings=wish["settings"]) as url:
            _say("up", url)
            sys.stdin.read()
    except errors.EmbeddedError as error:
        _say(type(error).__name__, str(error))


def _set_up(wish: dict[str, Any]) -> None:
    directory.STATE = Path(wish["state"])
    server_log.LIMIT_BYTES = wish.get("log_limit", server_log.LIMIT_BYTES)
    if wish.get("impatient"):
        postmaster.ANSWER_SECONDS = 1.0
        patience = {number: 0.1 if number == signal.SIGQUIT else seconds for number, seconds in postmaster.STOPPING}
        postmaster.STOPPING = tuple(patience.items())
    # It drops its rights after the imports, so an interpreter below a private home directory will do.
    if wish["uid"] is not None:
        os.setgroups([])
        os.setgid(wish["gid"])
        os.setuid(wish["uid"])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))


def _say(*words: str) -> None:
    print(json.dumps(words), flush=True)  # noqa: T201


if __name__ == "__main__":
    use(json.loads(sys.argv[1]))

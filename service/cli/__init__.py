"""muniment: where the command line begins; `command_line` has its commands."""

import io
import os
import signal
import sys
from collections.abc import Sequence

from service.cli.fault import Plainly

MOST_WORKERS = 64


def main() -> None:
    """A fault is one sentence on stderr, with exit status 1; a wrong setting never shows a traceback."""
    signal.signal(signal.SIGTERM, _leave)
    _open_closed()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a name that the terminal cannot show is no reason to stop
    try:
        _run(sys.argv[1:])
    except Plainly as fault:
        from service.cli.output import note  # noqa: PLC0415

        note(str(fault))
        sys.exit(1)


def _run(words: Sequence[str]) -> None:
    """The service is started without Typer, which takes a tenth of a second, and nine megabytes for as long as the service runs."""
    workers = _workers(words)
    if workers is None:
        from service.cli.command_line import app  # noqa: PLC0415

        app()
        return
    from service.cli.serve import serve  # noqa: PLC0415

    try:
        serve(workers)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # the reader of stdout has ended; at the exit, Python would try again to write the rest
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(1)


def _workers(words: Sequence[str]) -> int | None:
    """Return how many processes serve; None for any other command, other form, or fault: Typer reads those, and says what is wrong."""
    match words:
        case ["serve"]:
            return 1
        case ["serve", "--workers", number] if number in map(str, range(1, MOST_WORKERS + 1)):
            return int(number)
        case _:
            return None


def _open_closed() -> None:
    """If the service is started without a stdout or stderr, what it says goes nowhere. Python has no file for it then, and a socket would get its number."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8"))


def _leave(number: int, _frame: object) -> None:
    """An orderly exit, so that an embedded Postgres that we started is stopped and not orphaned."""
    raise SystemExit(128 + number)

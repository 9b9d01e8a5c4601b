"""Progress bars on stderr, if stderr is a terminal."""

import sys
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext

Progress = Callable[[int, int], None]
"""Called with (done, of how many)."""

Bar = Callable[[str], AbstractContextManager[Progress]]


@contextmanager
def bar(what: str) -> Generator[Progress]:
    """Yields what moves the bar; it does nothing when stderr is not a terminal. The bar is gone at the end."""
    with bars() as shown, shown(what) as move:
        yield move


@contextmanager
def bars() -> Generator[Bar]:
    """Yields what shows a bar beside those that are already there."""
    if not sys.stderr.isatty():
        yield lambda _what: nullcontext(_unseen)
        return
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:

        @contextmanager
        def one(what: str) -> Generator[Callable[[int, int], None]]:
            task = shown.add_task(what, total=None)
            try:
                yield lambda done, total: shown.update(task, completed=done, total=total)
            finally:
                shown.remove_task(task)

        yield one


def _unseen(_done: int, _total: int) -> None:
    pass

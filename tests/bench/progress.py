"""How far a run is, and about how long it has still to go."""

import time
from collections.abc import Callable, Mapping

from rich.console import Console
from rich.status import Status


class Progress:
    """`expected` is how many seconds each section is meant to take. The sections that have ended say how much slower this machine is."""

    def __init__(self, expected: Mapping[str, float], show: Callable[[str], None]) -> None:
        self._expected, self._show = expected, show
        self._begun = time.monotonic()
        self._section, self._since = "", self._begun
        self._ended: dict[str, float] = {}

    def begin(self, section: str) -> None:
        """The one before has ended."""
        now = time.monotonic()
        if self._section:
            self._ended[self._section] = now - self._since
        self._section, self._since = section, now

    def say(self, what: str) -> None:
        left = f"about {self.left() / 60:.0f} min left"
        self._show(f"{self.seconds():4.0f} s, {left}  {self._section}: {what}")

    def seconds(self) -> float:
        return time.monotonic() - self._begun

    def left(self) -> float:
        """A section that takes longer than it was meant to is always nearly done."""
        still = {name: seconds for name, seconds in self._expected.items() if name not in self._ended}
        done = time.monotonic() - self._since
        here = min(done, still.get(self._section, 0.0))
        return (sum(still.values()) - here) * self._slower()

    def _slower(self) -> float:
        meant = sum(self._expected[name] for name in self._ended)
        return sum(self._ended.values()) / meant if meant else 1.0


def shown(console: Console, status: Status) -> Callable[[str], None]:
    """One line that changes in a terminal, and one after the other elsewhere."""
    return status.update if console.is_terminal else lambda line: console.print(line, markup=False, highlight=False)

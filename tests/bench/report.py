"""What a run has measured so far: printed, and kept as JSON, as soon as it is there."""

import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import json
from rich.console import Console

from tests.bench.figures import Figures, Goal, goal_table
from tests.bench.machine import Failed, described
from tests.bench.place import Place
from tests.bench.progress import Progress
from tests.bench.sections import Section


class Report:
    """`failed` is why a section has not all of its figures."""

    def __init__(self, console: Console, path: Path | None, progress: Progress) -> None:
        self.progress = progress
        self.failed: dict[str, str] = {}
        self._console, self._path = console, path
        self._gathered: dict[str, Any] = {}
        self._goals: list[Goal] = []
        self._ended: dict[str, float] = {}

    def add(self, name: str, figures: Figures) -> None:
        self._ended[name] = round(self.progress.seconds(), 1)
        self._gathered[name] = figures.plain()
        self._goals += figures.goals()
        self._console.print(*figures.tables())
        self._keep()

    def fail(self, name: str, fault: Exception) -> None:
        self.failed[name] = str(fault) if isinstance(fault, Failed) else f"{type(fault).__name__}: {fault}"
        self.progress.say(f"failed: {self.failed[name]}")
        self._keep()

    def end(self) -> None:
        if self._goals:
            self._console.print(goal_table(self._goals))

    def _keep(self) -> None:
        """`ended` is after how many seconds each section had its figures."""
        if self._path:
            run = {"machine": described(), "arguments": shlex.join(sys.argv[1:]), "ended": self._ended}
            found = {**run, **self._gathered, "failed": self.failed, "goals": self._goals}
            self._path.write_bytes(json.encode(found))


def measure(sections: Mapping[str, Section], place: Place, report: Report) -> None:
    """A section that fails costs no other one its figures."""
    for name, section in sections.items():
        report.progress.begin(name)
        try:
            for part, figures in section.measure(place):
                report.add(part, figures)
        except Exception as fault:  # whatever it is, the other sections can be measured
            report.fail(name, fault)

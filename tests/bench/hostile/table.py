"""The figures about hostile requests, and a table of them for people."""

from collections import Counter
from collections.abc import Iterable

from msgspec import Struct
from rich.table import Table

from tests.bench.figures import Figures
from tests.bench.hostile.hanging import Waits

MOST_GROWTH = 10e6
"""Bytes that all processes together may grow by in the rest."""


class Door(Struct):
    """`errors` are the codes of OAuth with their status."""

    errors: Counter[str]
    slowest: float = 0.0
    seconds: float = 0.0

    @property
    def requests(self) -> int:
        return self.errors.total()


class Hostile(Figures, frozen=True, kw_only=True):
    doors: dict[str, Door]
    slowest: str
    seconds: float
    pss_warm: int
    pss: int
    waits: Waits

    @property
    def growth(self) -> int:
        return self.pss - self.pss_warm

    def tables(self) -> Iterable[Table]:
        requests = sum(door.requests for door in self.doors.values())
        title = f"{requests:,} hostile requests in {self.seconds:.0f} s: nothing was issued, nothing failed"
        table = Table(title=title, title_justify="left", title_style="bold")
        table.add_column("door")
        table.add_column("requests", justify="right")
        table.add_column("answers")
        table.add_column("mean ms", justify="right")
        table.add_column("slowest ms", justify="right")
        for name, door in sorted(self.doors.items()):
            said = ", ".join(f"{error} {number:,}" for error, number in door.errors.most_common())
            mean, slowest = door.seconds / door.requests * 1e3, door.slowest * 1e3
            table.add_row(name, f"{door.requests:,}", said, f"{mean:.1f}", f"{slowest:,.0f}")
        memory = f"{self.pss_warm / 1e6:.1f} MB, then {self.pss / 1e6:.1f} MB (at most {MOST_GROWTH / 1e6:.0f} MB more)"
        table.add_section()
        table.add_row("slowest", "", self.slowest)
        table.add_row("memory (PSS), warm and after", "", memory)
        for name, (median, slowest) in (
            ("others' tokens, quiet", self.waits.quiet),
            ("others' tokens while key sets hang", self.waits.meanwhile),
        ):
            table.add_row(name, "", "", f"{median * 1e3:.1f}", f"{slowest * 1e3:,.0f}")
        table.add_row("a token of a key set that hangs", "", "refused", "", f"{self.waits.own * 1e3:,.0f}")
        yield table

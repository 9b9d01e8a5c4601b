"""What was measured: one line each, beside its bound. A figure over its bound is marked, and nothing fails."""

import statistics
from collections.abc import Iterable, Sequence

from msgspec import Struct
from rich.table import Table

from tests.bench.figures import Figures, colored, table


class Figure(Struct, frozen=True, kw_only=True):
    """`worst` is None for what was measured once. A `bound` of a rate (a unit that ends in /s) is the least; of all else, the most.

    `times` is how often it was measured. `cpu` is what a request costs the process that answers, in milliseconds: the part that is
    steady on a busy machine.
    """

    what: str
    unit: str
    median: float
    worst: float | None = None
    bound: float | None = None
    mark: str = ""
    times: int = 1
    cpu: float | None = None


class Group(Figures, frozen=True, kw_only=True):
    title: str
    figures: list[Figure]

    def tables(self) -> Iterable[Table]:
        made = table(self.title, "", "median", "worst", "", "bound", "", "CPU ms")
        for each in self.figures:
            worst = "" if each.worst is None else _number(each.worst)
            sign = "≥" if each.unit.endswith("/s") else "≤"
            bound = "" if each.bound is None else colored(f"{sign} {_number(each.bound)}", is_met=not each.mark)
            mark = f"[red]{each.mark}[/]" if each.mark else ""
            cpu = "" if each.cpu is None else _number(each.cpu)
            what = each.what if each.times == 1 else f"{each.what} ({each.times})"
            made.add_row(what, _number(each.median), worst, each.unit, bound, mark, cpu)
        yield made


def milliseconds(what: str, seconds: Sequence[float], bound: float | None = None) -> Figure:
    """`bound` is in milliseconds."""
    return several(what, "ms", [each * 1e3 for each in seconds], bound)


def several(what: str, unit: str, values: Sequence[float], bound: float | None = None) -> Figure:
    median, worst = statistics.median(values), max(values)
    mark = "" if bound is None or worst <= bound else "over" if median > bound else "worst over"
    return Figure(what=what, unit=unit, median=median, worst=worst, bound=bound, mark=mark, times=len(values))


def single(what: str, unit: str, value: float, bound: float | None = None) -> Figure:
    is_rate = unit.endswith("/s")
    is_over = bound is not None and (value < bound if is_rate else value > bound)
    return Figure(what=what, unit=unit, median=value, bound=bound, mark="over" if is_over else "")


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"

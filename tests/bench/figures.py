"""What every kind of figures has: tables for people, JSON for scripts, and the goals of the budget with whether they are met."""

from collections.abc import Iterable
from typing import Any

from msgspec import Struct, to_builtins
from rich.table import Table


class Goal(Struct, frozen=True, kw_only=True):
    """One line at the end of a run: `wanted` and `found` as people read them."""

    what: str
    wanted: str
    found: str
    is_met: bool


class Figures(Struct, frozen=True):
    """The figures of one section. A ratio is of rounds of this one run; only ratios travel well."""

    def tables(self) -> Iterable[Table]:
        raise NotImplementedError

    def goals(self) -> Iterable[Goal]:
        """None, where the budget names none."""
        return ()

    def plain(self) -> Any:
        """As JSON can hold it."""
        return to_builtins(self)


def at_least(what: str, wanted: float, found: float, unit: str = "{:.0%}") -> Goal:
    return Goal(what=what, wanted=f"≥ {unit.format(wanted)}", found=unit.format(found), is_met=found >= wanted)


def at_most(what: str, wanted: float, found: float, unit: str = "{:.1f}") -> Goal:
    return Goal(what=what, wanted=f"≤ {unit.format(wanted)}", found=unit.format(found), is_met=found <= wanted)


def table(title: str, *columns: str) -> Table:
    """The first column is of words, all others of numbers."""
    made = Table(title=title, title_justify="left", title_style="bold")
    for number, column in enumerate(columns):
        made.add_column(column, justify="right" if number else "left")
    return made


def colored(text: str, *, is_met: bool) -> str:
    return f"[{'green' if is_met else 'red'}]{text}[/]"


def goal_table(goals: Iterable[Goal]) -> Table:
    made = table("Done when", "", "goal", "measured", "")
    for goal in goals:
        made.add_row(
            goal.what, goal.wanted, goal.found, colored("holds" if goal.is_met else "missed", is_met=goal.is_met)
        )
    return made

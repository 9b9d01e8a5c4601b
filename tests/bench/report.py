"""The figures as tables for people and as JSON for scripts. A ratio is of rounds of this one run; only ratios travel well."""

import statistics
from collections.abc import Callable
from typing import Any

from msgspec import structs, to_builtins
from rich.console import Console
from rich.table import Table

from tests.bench.appends import Appends, Figure
from tests.bench.endpoints import Compared, Measured
from tests.bench.history.figures import Group
from tests.bench.hostile.measuring import Hostile
from tests.bench.hostile.table import hostile_table
from tests.bench.load import Round
from tests.bench.observed import Observed
from tests.bench.pasts import Pasts
from tests.bench.replays import Replays
from tests.bench.starts import Starts

Figures = list[Measured] | Appends | Replays | Pasts | Group | Starts | Observed | Hostile


def _rate(of: Round) -> float:
    return of.rate


def _cost(of: Round) -> float:
    return of.server_microseconds


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold")
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left")
    return table


def show(console: Console, figures: Figures) -> None:
    match figures:
        case list():
            console.print(_throughputs(figures), _latencies(figures))
        case Appends():
            console.print(_appends(figures))
        case Replays():
            console.print(_replays(figures))
        case Pasts():
            console.print(_pasts(figures))
        case Group():
            console.print(_group(figures))
        case Starts():
            console.print(_starts(figures))
        case Hostile():
            console.print(hostile_table(figures))
        case Observed():
            console.print(_observed(figures))


def _throughputs(measured: list[Measured]) -> Table:
    title = "Requests a second, 16 connections, one process on one core; medians, ratios pair by pair (least to most)"
    table = _table(
        title,
        "",
        "service",
        "ceiling",
        "of rates",
        "",
        "goal",
        "CPU µs",
        "ceiling µs",
        "of CPU",
        "Postgres µs",
        "PSS MB",
        "core busy",
        "dropped",
    )
    for each in measured:
        compared, goal = each.throughput, each.endpoint.goal
        rates, costs, ratios = compared.median(_rate), compared.median(_cost), compared.ratios(_rate)
        ratio, busy = statistics.median(ratios), compared.median(lambda r: r.server_busy)
        table.add_row(
            each.endpoint.name,
            *(f"{rate:,.0f}" for rate in rates),
            f"{ratio:.0%}",
            f"{ratios[0]:.0%} to {ratios[-1]:.0%}",
            "" if goal is None else _met(f"≥ {goal:.0%}", is_met=ratio >= goal),
            *(f"{cost:.0f}" for cost in costs),
            f"{1 / statistics.median(compared.ratios(_cost)):.0%}",
            " / ".join(f"{cost:.0f}" for cost in compared.median(lambda r: r.postgres_microseconds)),
            " / ".join(f"{size / 1e6:.0f}" for size in compared.median(lambda r: r.pss)),
            " / ".join(f"{part:.0%}" for part in busy),
            str(compared.dropped),
        )
    return table


def _observed(observed: Observed) -> Table:
    """The CPU is the figure to go by: the rate also depends on what the other core does."""
    title = "Tokens of one process on one core, observed in several ways; medians"
    table = _table(title, "", "a second", "CPU µs", "more CPU", "PSS")
    for name, rounds in observed.rounds.items():
        more = [_cost(each) / _cost(plain) - 1 for each, plain in zip(rounds, observed.plain, strict=True)]
        rate, cost = statistics.median(map(_rate, rounds)), statistics.median(map(_cost, rounds))
        table.add_row(
            name, f"{rate:,.0f}", f"{cost:.1f}", f"{statistics.median(more):+.1%}", f"{observed.pss[name] / 1e6:.0f} MB"
        )
    return table


def _met(goal: str, *, is_met: bool) -> str:
    return f"[{'green' if is_met else 'red'}]{goal}[/]"


def _latencies(measured: list[Measured]) -> Table:
    table = _table(
        "Milliseconds at a fixed rate of arrivals (open loop)",
        "",
        "a second",
        "service p50",
        "p99",
        "p99.9",
        "ceiling p50",
        "p99",
        "p99.9",
    )
    for each in measured:
        for rate, compared in each.latencies.items():
            table.add_row(each.endpoint.name, f"{rate:,}", *_milliseconds(compared))
    return table


def _milliseconds(compared: Compared) -> list[str]:
    of = [compared.median(lambda r: r.p50), compared.median(lambda r: r.p99), compared.median(lambda r: r.p999)]
    return [f"{seconds * 1e3:.2f}" for whose in (0, 1) for seconds in (each[whose] for each in of)]


def _appends(appends: Appends) -> Table:
    title = f"Durable appends a second; single-row inserts by {appends.rival}"
    columns = (
        "log",
        "and lookup row",
        "single rows",
        "log ratio",
        "and lookup",
        "p50 / p99 ms",
        "single p50",
        "CPU µs",
    )
    table = _table(title, "at a time", *columns)
    for level in appends.levels:
        ratios = (level.ratio(level.log), 1.8), (level.ratio(level.projected), 1.4)
        table.add_row(
            str(level.concurrent),
            *(f"{_median(figures, lambda f: f.rate):,.0f}" for figures in (level.log, level.projected, level.single)),
            *(
                f"{r:.2f} x {_met(f'≥ {goal}', is_met=r >= goal) if level.concurrent == 64 else ''}"
                for r, goal in ratios
            ),
            _percentiles(level.log),
            f"{_median(level.single, lambda f: f.p50) * 1e3:.2f}",
            " / ".join(f"{_median(figures, lambda f: f.microseconds):.0f}" for figures in (level.log, level.projected)),
        )
    return table


def _median(figures: list[Figure], of: Callable[[Figure], float | None]) -> float:
    return statistics.median(value for value in map(of, figures) if value is not None)


def _percentiles(figures: list[Figure]) -> str:
    return " / ".join(f"{_median(figures, of) * 1e3:.2f}" for of in (lambda f: f.p50, lambda f: f.p99))


def _replays(replays: Replays) -> Table:
    title = f"Reading {replays.events:,} events of {replays.clients:,} clients in {replays.batches:,} batches"
    table = _table(title, "", "seconds", "events a second", "best run", "CPU µs each", "goal")
    for name, runs, goal in (
        ("decoded, page by page", replays.decoded, 500_000),
        ("proved (leaves, roots, chain)", replays.verified, 150_000),
        ("rebuilt into the client lookup, swapped", replays.rebuilt, 125_000),
    ):
        seconds = statistics.median(run.seconds for run in runs)
        table.add_row(
            name,
            f"{seconds:.2f}",
            f"{replays.events / seconds:,.0f}",
            f"{replays.events / min(run.seconds for run in runs):,.0f}",
            f"{statistics.median(run.cpu_seconds for run in runs) / replays.events * 1e6:.1f}",
            _met(f"≥ {goal:,}", is_met=replays.events / seconds >= goal),
        )
    return table


def _pasts(pasts: Pasts) -> Table:
    title = f"The past: {pasts.clients:,} clients in {pasts.rows:,} versions, as of the moment that takes longest"
    table = _table(title, "", "ms", "goal")
    for name, taken in pasts.pages.items():
        table.add_row(f"a page of 100: {name}", f"{taken:.1f}", _met("≤ 200", is_met=taken <= 200))
    table.add_row("one client", f"{pasts.one:.2f}", _met("≤ 10", is_met=pasts.one <= 10))
    return table


def _group(group: Group) -> Table:
    table = _table(group.title, "", "median", "worst", "", "bound", "", "CPU ms")
    for each in group.figures:
        worst = "" if each.worst is None else _number(each.worst)
        sign = "≥" if each.unit.endswith("/s") else "≤"
        bound = "" if each.bound is None else _met(f"{sign} {_number(each.bound)}", is_met=not each.mark)
        mark = f"[red]{each.mark}[/]" if each.mark else ""
        cpu = "" if each.cpu is None else _number(each.cpu)
        what = each.what if each.times == 1 else f"{each.what} ({each.times})"
        table.add_row(what, _number(each.median), worst, each.unit, bound, mark, cpu)
    return table


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _starts(starts: Starts) -> Table:
    table = _table("Start, with the embedded Postgres, on all cores", "", "", "goal")
    for name, seconds, goal in (("empty directory", starts.cold, 5), ("used directory", starts.warm, 2)):
        taken = statistics.median(seconds)
        table.add_row(f"first token, {name}", f"{taken:.2f} s", _met(f"≤ {goal} s", is_met=taken <= goal))
    table.add_row("memory (PSS) at start", f"{starts.pss_at_start / 1e6:.0f} MB", "")
    known = f"memory (PSS) with {starts.clients:,} clients"
    table.add_row(known, f"{starts.pss / 1e6:.0f} MB", _met("≤ 70 MB", is_met=starts.pss <= 70e6))
    return table


def plain(figures: Figures) -> Any:
    """As JSON can hold it: every round, and the medians that the tables show."""
    if not isinstance(figures, list):
        return to_builtins(figures)
    return {each.endpoint.name: _plain(each) for each in figures}


def _plain(measured: Measured) -> dict[str, Any]:
    every = {
        "throughput": measured.throughput,
        **{f"at {rate}/s": compared for rate, compared in measured.latencies.items()},
    }
    return {
        "goal": measured.endpoint.goal,
        "ratio": statistics.median(measured.throughput.ratios(_rate)),
        "cpu_ratio": statistics.median(measured.throughput.ratios(_cost)),
        **{
            name: {"service": _rounds(c.service), "ceiling": _rounds(c.ceiling), "dropped": c.dropped}
            for name, c in every.items()
        },
    }


def _rounds(rounds: list[Round]) -> list[dict[str, float]]:
    return [
        {
            **structs.asdict(each),
            "rate": each.rate,
            "server_microseconds": each.server_microseconds,
            "postgres_microseconds": each.postgres_microseconds,
        }
        for each in rounds
    ]

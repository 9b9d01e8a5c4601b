"""The figures of endpoints: each beside those of both ceiling programs, in the same run."""

import statistics
from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import structs
from rich.table import Table

from tests.bench.compared import Compared, Of
from tests.bench.endpoints import Measured
from tests.bench.figures import Figures, Goal, at_least, at_most, colored, table
from tests.bench.load import Round, cost_of, rate_of
from tests.bench.programs import ASGI, SERVICE, STARLETTE

CEILINGS = {STARLETTE: "Starlette", ASGI: "plain ASGI"}
SHOWN = "service / Starlette / plain ASGI"


class Endpoints(Figures, frozen=True):
    title: str
    measured: Sequence[Measured]

    def tables(self) -> Iterable[Table]:
        yield _throughputs(self.title, self.measured)
        yield _costs(self.title, self.measured)
        yield _latencies(self.title, self.measured)

    def goals(self) -> Iterable[Goal]:
        for each in self.measured:
            for ceiling, wanted in each.endpoint.goals.items():
                yield at_least(
                    f"{each.endpoint.name}, of the {CEILINGS[ceiling]} ceiling", wanted, _part(each, ceiling)
                )
            if least := each.endpoint.least_rate:
                yield at_least(
                    f"{each.endpoint.name}, a second", least, each.throughput.median(SERVICE, rate_of), "{:,.0f}"
                )
            for rate, wanted in each.endpoint.most_p99.items():
                if rate in each.latencies:
                    found = each.latencies[rate].median(SERVICE, lambda r: r.p99) * 1e3
                    yield at_most(f"{each.endpoint.name}, p99 at {rate:,}/s, ms", wanted, found)

    def plain(self) -> Any:
        """Every round, and the medians that the tables show."""
        return {each.endpoint.name: _plain(each) for each in self.measured}


def _part(measured: Measured, ceiling: str) -> float:
    return statistics.median(measured.throughput.ratios(SERVICE, ceiling, rate_of))


def _throughputs(title: str, measured: Sequence[Measured]) -> Table:
    made = table(
        f"{title}: requests a second, 16 connections, one process on one core; medians, ratios turn by turn (least to most)",
        *("", "service", "(least to most)", "Starlette", "plain ASGI"),
        *("of Starlette", "", "goal", "of plain ASGI", "", "goal", "dropped"),
    )
    for each in measured:
        compared = each.throughput
        own = sorted(map(rate_of, compared.rounds[SERVICE]))
        made.add_row(
            each.endpoint.name,
            f"{statistics.median(own):,.0f}",
            f"{own[0]:,.0f} to {own[-1]:,.0f}",
            *(f"{compared.median(ceiling, rate_of):,.0f}" for ceiling in CEILINGS),
            *(cell for ceiling in CEILINGS for cell in _ratio(each, ceiling)),
            str(compared.dropped),
        )
    return made


def _ratio(measured: Measured, ceiling: str) -> tuple[str, str, str]:
    ratios, goal = measured.throughput.ratios(SERVICE, ceiling, rate_of), measured.endpoint.goals.get(ceiling)
    part = statistics.median(ratios)
    wanted = "" if goal is None else colored(f"≥ {goal:.0%}", is_met=part >= goal)
    return f"{part:.0%}", f"{ratios[0]:.0%} to {ratios[-1]:.0%}", wanted


def _costs(title: str, measured: Sequence[Measured]) -> Table:
    made = table(
        f"{title}: what a request costs, {SHOWN}",
        *("", "CPU µs", "of Starlette", "of plain ASGI", "Postgres µs", "PSS MB", "core busy"),
    )
    for each in measured:
        compared = each.throughput
        made.add_row(
            each.endpoint.name,
            _all(compared, cost_of, "{:.0f}"),
            *(f"{statistics.median(compared.ratios(SERVICE, ceiling, cost_of)):.0%}" for ceiling in CEILINGS),
            _all(compared, lambda r: r.postgres_microseconds, "{:.0f}"),
            _all(compared, lambda r: r.pss / 1e6, "{:.0f}"),
            _all(compared, lambda r: r.server_busy, "{:.0%}"),
        )
    return made


def _latencies(title: str, measured: Sequence[Measured]) -> Table:
    made = table(
        f"{title}: milliseconds at a fixed rate of arrivals (open loop), {SHOWN}",
        *("", "a second", "p50", "p99", "goal", "p99 (least to most)", "p99.9", "503, Retry-After", "dropped"),
    )
    for each in measured:
        for rate, compared in each.latencies.items():
            p99 = sorted(r.p99 * 1e3 for r in compared.rounds[SERVICE])
            made.add_row(
                each.endpoint.name,
                f"{rate:,}",
                _all(compared, lambda r: r.p50 * 1e3, "{:.2f}"),
                _all(compared, lambda r: r.p99 * 1e3, "{:.2f}"),
                _bound(each, rate, statistics.median(p99)),
                f"{p99[0]:.2f} to {p99[-1]:.2f}",
                _all(compared, lambda r: r.p999 * 1e3, "{:.2f}"),
                _all(compared, lambda r: r.refused / r.requests, "{:.1%}"),
                str(compared.dropped),
            )
    return made


def _bound(measured: Measured, rate: int, p99: float) -> str:
    most = measured.endpoint.most_p99.get(rate)
    return "" if most is None else colored(f"≤ {most:.0f}", is_met=p99 <= most)


def _all(compared: Compared, of: Of, unit: str) -> str:
    return " / ".join(unit.format(value) for value in compared.medians(of))


def _plain(measured: Measured) -> dict[str, Any]:
    every = {"throughput": measured.throughput, **{f"at {r}/s": c for r, c in measured.latencies.items()}}
    return {
        "goals": measured.endpoint.goals,
        "of": {ceiling: _part(measured, ceiling) for ceiling in CEILINGS},
        **{name: _rounds(compared) for name, compared in every.items()},
    }


def _rounds(compared: Compared) -> dict[str, Any]:
    rounds = {name: list(map(_round, rounds)) for name, rounds in compared.rounds.items()}
    return {**rounds, "dropped": compared.dropped}


def _round(each: Round) -> dict[str, float]:
    more = {"server_microseconds": each.server_microseconds, "postgres_microseconds": each.postgres_microseconds}
    return {**structs.asdict(each), "rate": each.rate, **more}

"""The figures as a table for people and as JSON for scripts."""

import statistics
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from msgspec import structs
from rich.table import Table

from tests.bench.alternatives.asking import QUESTIONS, Alternative
from tests.bench.alternatives.compared import Compared
from tests.bench.load import Round

Figures = dict[str, Compared]
"""By question."""


def table(measured: Sequence[tuple[Alternative, Figures]]) -> Table:
    title = "Beside other servers: 16 connections, one core; medians of rounds in turn with Muniment; x: how many times as fast Muniment is"
    made = Table(title=title, title_justify="left", title_style="bold")
    made.add_column("")
    for column in (
        "tokens/s",
        "CPU µs",
        "Postgres µs",
        "p99 ms",
        "PSS MB",
        "registrations/s",
        "introspections/s",
        "x tokens",
        "x registrations",
        "x introspections",
    ):
        made.add_column(column, justify="right")
    made.add_row("Muniment", *_cells(ours_of(measured)), "", "", "")
    for each, figures in measured:
        rounds = {question: compared.theirs for question, compared in figures.items()}
        made.add_row(each.name, *_cells(rounds), *(_ratio(figures.get(question)) for question in QUESTIONS))
    return made


def ours_of(measured: Iterable[tuple[Alternative, Figures]]) -> dict[str, list[Round]]:
    """All rounds of Muniment, by question."""
    every = [figures for _, figures in measured]
    return {
        question: [each for figures in every if question in figures for each in figures[question].ours]
        for question in QUESTIONS
    }


def _cells(rounds: dict[str, list[Round]]) -> list[str]:
    tokens, *others = (rounds.get(question) or [] for question in QUESTIONS)
    return [
        _median(tokens, lambda each: each.rate),
        _median(tokens, lambda each: each.server_microseconds),
        _median(tokens, lambda each: each.postgres_microseconds),
        _median(tokens, lambda each: each.p99 * 1e3),
        _median(tokens, lambda each: each.pss / 1e6),
        *(_median(each, lambda each: each.rate) for each in others),
    ]


def _median(rounds: Sequence[Round], of: Callable[[Round], float]) -> str:
    if not rounds:
        return "-"
    value = statistics.median(map(of, rounds))
    return f"{value:,.{0 if value >= 10 else 1}f}"


def _ratio(compared: Compared | None) -> str:
    if compared is None:
        return ""
    shown = f"{compared.ratio:.2f}"
    if compared.goal is None:
        return shown
    return f"{shown} [{'green' if compared.ratio >= compared.goal else 'red'}]≥ {compared.goal:g}[/]"


def plain(ours: Alternative, measured: Sequence[tuple[Alternative, Figures]], left_out: dict[str, str]) -> Any:
    """Every round that counts."""
    return {
        "muniment": {"settings": ours.settings},
        "alternatives": {
            each.name: {
                "settings": each.settings,
                **{question: _plain(compared) for question, compared in figures.items()},
            }
            for each, figures in measured
        },
        "left_out": left_out,
    }


def _plain(compared: Compared) -> dict[str, Any]:
    return {
        "ratio": compared.ratio,
        "goal": compared.goal,
        "dropped": compared.dropped,
        "muniment": [_round(each) for each in compared.ours],
        "alternative": [_round(each) for each in compared.theirs],
    }


def _round(each: Round) -> dict[str, float]:
    return {
        **structs.asdict(each),
        "rate": each.rate,
        "server_microseconds": each.server_microseconds,
        "postgres_microseconds": each.postgres_microseconds,
    }

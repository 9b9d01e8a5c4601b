"""The pure parts of the benchmark: which rounds count, and what a percentile is."""

import inspect
from pathlib import Path

from tests.bench import ceiling
from tests.bench.around import undisturbed
from tests.bench.load import Round, percentile


def _round(name: int, foreign: float) -> Round:
    return Round(
        requests=name,
        seconds=1,
        server_cpu_seconds=0.5,
        generator_cpu_seconds=0.2,
        p50=0,
        p99=0,
        p999=0,
        foreign_cpu_seconds=foreign,
    )


def _kept(*foreign: float, rounds: int) -> tuple[list[int], int]:
    turns, dropped = undisturbed(
        rounds, lambda number: {"a": _round(number, 0.0), "b": _round(number, foreign[number])}
    )
    return [turn["a"].requests for turn in turns], dropped


def test_a_turn_is_repeated_when_another_program_disturbed_one_of_its_rounds() -> None:
    assert _kept(0.01, 0.3, 0.02, 0.0, rounds=3) == ([0, 2, 3], 1)


def test_on_a_machine_that_is_never_calm_the_least_disturbed_turns_count() -> None:
    assert _kept(0.9, 0.2, 0.4, 0.3, rounds=2) == ([1, 3], 2)


def test_nothing_is_repeated_on_a_calm_machine() -> None:
    assert _kept(0.0, 0.04, rounds=2) == ([0, 1], 0)


def test_a_percentile_is_the_answer_that_so_many_of_a_thousand_were_no_slower_than() -> None:
    taken = [float(number) for number in range(1000)]
    assert [percentile(taken, each) for each in (500, 990, 999)] == [500, 990, 999]
    assert percentile([7.0], 999) == 7.0


def test_the_document_lists_the_work_of_the_ceiling_programs_as_they_do() -> None:
    document = Path(__file__).parents[2] / "docs" / "benchmarks.md"
    assert inspect.cleandoc(ceiling.__doc__ or "") in document.read_text()

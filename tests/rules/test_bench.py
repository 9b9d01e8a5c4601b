"""The pure parts of the benchmark: which rounds count, and what a percentile is."""

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
    pairs, dropped = undisturbed(rounds, lambda number: (_round(number, 0.0), _round(number, foreign[number])))
    return [first.requests for first, _ in pairs], dropped


def test_a_pair_is_repeated_when_another_program_disturbed_one_of_its_rounds() -> None:
    assert _kept(0.01, 0.3, 0.02, 0.0, rounds=3) == ([0, 2, 3], 1)


def test_on_a_machine_that_is_never_calm_the_least_disturbed_pairs_count() -> None:
    assert _kept(0.9, 0.2, 0.4, 0.3, rounds=2) == ([1, 3], 2)


def test_nothing_is_repeated_on_a_calm_machine() -> None:
    assert _kept(0.0, 0.04, rounds=2) == ([0, 1], 0)


def test_a_percentile_is_the_answer_that_so_many_of_a_thousand_were_no_slower_than() -> None:
    taken = [float(number) for number in range(1000)]
    assert [percentile(taken, each) for each in (500, 990, 999)] == [500, 990, 999]
    assert percentile([7.0], 999) == 7.0

"""The pure parts of the benchmark beside other servers: ratios, and what of a build is kept."""

import sys

import pytest

from tests.bench.alternatives import building
from tests.bench.alternatives.building import NotHere, built
from tests.bench.alternatives.compared import Compared
from tests.bench.load import Round


def _rounds(*rates: int) -> list[Round]:
    return [
        Round(requests=each, seconds=1, server_cpu_seconds=0, generator_cpu_seconds=0, p50=0, p99=0, p999=0)
        for each in rates
    ]


def test_a_ratio_is_the_median_of_the_pairs_so_that_one_slow_moment_of_the_machine_does_not_count() -> None:
    compared = Compared(
        question="tokens", goal=None, ours=_rounds(200, 20, 300), theirs=_rounds(100, 10, 10), dropped=0
    )
    assert compared.ratio == 2.0


@pytest.fixture
def said(tmp_path, monkeypatch) -> list[str]:
    (tmp_path / "sources/server").mkdir(parents=True)
    (tmp_path / "sources/server/program").write_text("one")
    monkeypatch.setattr(building, "HERE", tmp_path / "sources")
    monkeypatch.setattr(building, "KEPT", tmp_path / "kept")
    return []


def test_a_build_is_kept_until_its_sources_change(said) -> None:
    command = [sys.executable, "-c", "print('built')"]
    first = built("server", command, say=said.append)
    assert built("server", command, say=said.append) == first
    assert said.count("building server: built") == 1
    (building.HERE / "server/program").write_text("two")
    again = built("server", command, say=said.append)
    assert again != first
    assert said.count("building server: built") == 2
    assert (again / "program").read_text() == "two"


def test_a_build_that_fails_says_how_it_ended_and_is_tried_again(said) -> None:
    command = [sys.executable, "-c", "import sys; sys.exit('no registry')"]
    for _ in range(2):
        with pytest.raises(NotHere, match="ended with 1: no registry"):
            built("server", command, say=said.append)

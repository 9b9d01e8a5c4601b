"""The pure parts of the benchmark: which rounds count, and what a percentile is."""

import inspect
import io
import math
import time
from collections.abc import Iterable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import cycle, repeat
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any, cast

import pytest
from msgspec import json
from rich.console import Console
from rich.table import Table

from tests.bench import ceiling, endpoints
from tests.bench.around import DISTURBED, undisturbed
from tests.bench.ceiling.groups import STATEMENTS
from tests.bench.ceiling.program import GROUPS, PAGES
from tests.bench.ceiling.requests import MOST_BODY, Refused, head_of, longer, pairs_of
from tests.bench.compared import Compared
from tests.bench.endpoints import Endpoint
from tests.bench.figures import Figures, Goal, at_least, at_most, table
from tests.bench.flood import Flood
from tests.bench.load import Exchange, Patient, Round, open_loop, percentile, rate_of
from tests.bench.machine import Failed, Server
from tests.bench.overload import LATE_SECONDS, MOST_TRIES, least_disturbed
from tests.bench.pace import CAREFUL
from tests.bench.peers import Peer
from tests.bench.place import Place
from tests.bench.programs import SERVICE, STARLETTE
from tests.bench.progress import Progress
from tests.bench.report import Report, measure
from tests.bench.sections import SECTIONS, Found, Section


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


def test_a_refusal_that_may_be_repeated_is_no_fault_but_not_what_was_asked_for() -> None:
    patient = Patient(Exchange(iter([]), 200, len))
    assert patient.took(b"HTTP/1.1 200 OK", b"{}")
    assert not patient.took(b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1", b"{}")
    with pytest.raises(Failed):
        patient.took(b"HTTP/1.1 503 Service Unavailable", b"{}")


class _EverySecondRefused(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    statuses = cycle((200, 503))

    def do_GET(self) -> None:
        status = next(self.statuses)
        self.send_response(status)
        if status == 503:
            self.send_header("Retry-After", "1")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name in the library
        """Nobody reads it."""


def test_a_refused_request_of_an_open_loop_is_counted_and_takes_for_ever() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), _EverySecondRefused) as listening:
        serving = Thread(target=listening.serve_forever)
        serving.start()
        server = cast("Server", SimpleNamespace(address=listening.server_address, cpu_seconds=time.process_time))
        asked = Patient(Exchange(repeat(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n"), 200, len))
        found = open_loop(server, asked, rate=200, seconds=0.2, connections=4)
        listening.shutdown()
        serving.join()
    assert 0 < found.refused < found.requests
    assert (found.p999, found.slowest < math.inf) == (math.inf, True)


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


def test_every_statement_of_the_ceiling_programs_is_used() -> None:
    assert set(STATEMENTS) == {"SCHEMA", "SEED", *GROUPS, *PAGES}


def test_the_ceiling_programs_bound_a_request_and_read_a_form_one_way() -> None:
    assert pairs_of(b"a=1&b=%20+x&c=") == {"a": "1", "b": "  x", "c": ""}
    for wrong in (b"a=1&a=2", b"&".join(b"p%d=1" % number for number in range(51))):
        with pytest.raises(Refused):
            pairs_of(wrong)
    for headers in ([(b"x", b"y" * MOST_BODY)], [(b"content-length", b"%d" % (MOST_BODY + 1))]):
        with pytest.raises(Refused):
            head_of(headers)
    with pytest.raises(Refused):
        longer(b"x" * MOST_BODY, b"x")


def _compared(ours: list[int], theirs: list[int]) -> Compared:
    rounds = {SERVICE: [_round(rate, 0) for rate in ours], STARLETTE: [_round(rate, 0) for rate in theirs]}
    return Compared(rounds=rounds, dropped=0)


def test_a_ratio_is_of_rounds_of_one_turn() -> None:
    compared = _compared([100, 300, 80], [200, 400, 100])
    assert compared.ratios(SERVICE, STARLETTE, rate_of) == [0.5, 0.75, 0.8]
    assert compared.medians(rate_of) == [100, 200]


def test_no_rate_of_arrivals_is_near_what_saturates_the_service() -> None:
    endpoint = Endpoint(name="tokens", asking=Peer.tokens, goals={})
    assert endpoints._rates(endpoint, _compared([3000], [1])) == [200, 2000, 2400]
    assert endpoints._rates(endpoint, _compared([2100], [1])) == [200, 1680]
    assert endpoints._rates(endpoint.__replace__(rates=None), _compared([2100], [1])) == []


def test_a_goal_says_what_is_wanted_and_whether_it_holds() -> None:
    assert (at_least("x", 0.95, 0.949).is_met, at_least("x", 0.95, 0.95).wanted) == (False, "≥ 95%")
    assert (at_most("x", 4, 4.0).is_met, at_most("x", 4, 4.21).found) == (True, "4.2")


def test_the_whole_run_is_meant_to_take_a_quarter_of_an_hour_with_three_rounds_of_each() -> None:
    assert sum(each.seconds(CAREFUL) for each in SECTIONS.values()) < 15 * 60
    rounds = (CAREFUL.rounds, CAREFUL.open_rounds, CAREFUL.append_rounds, CAREFUL.reads, CAREFUL.starts)
    assert min(rounds) >= 3


class _Seen(Figures, frozen=True):
    rate: int

    def tables(self) -> Iterable[Table]:
        yield table("", f"{self.rate} a second")

    def goals(self) -> Iterable[Goal]:
        yield at_least("rate", 100, self.rate, "{:.0f}")


def _whole(_: Place) -> Found:
    yield "whole", _Seen(120)


def _broken(_: Place) -> Iterator[tuple[str, Figures]]:
    yield "half", _Seen(80)
    raise FileNotFoundError("pgbench")


def _dishonest(_: Place) -> Found:
    raise Failed("the server closed a connection")


def test_a_section_that_fails_costs_no_figure_of_its_own_before_and_none_of_another_section(tmp_path: Path) -> None:
    said, kept, lines = io.StringIO(), tmp_path / "run.json", list[str]()
    sections = {name: Section(does, lambda _: 60) for name, does in (("a", _broken), ("b", _dishonest), ("c", _whole))}
    report = Report(Console(file=said), kept, Progress(dict.fromkeys(sections, 60), lines.append))
    measure(sections, Place(url="", directory=tmp_path, pace=CAREFUL, say=lines.append), report)
    report.end()
    found = json.decode(kept.read_bytes())
    assert (found["half"], found["whole"]) == ({"rate": 80}, {"rate": 120})
    assert found["failed"] == {"a": "FileNotFoundError: pgbench", "b": "the server closed a connection"}
    assert [(goal["found"], goal["is_met"]) for goal in found["goals"]] == [("80", False), ("120", True)]
    assert all(each in said.getvalue() for each in ("80 a second", "120 a second", "missed", "holds"))


def test_what_is_left_of_a_run_is_what_its_sections_take_here(monkeypatch: pytest.MonkeyPatch) -> None:
    now, lines = [0.0], list[str]()
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    progress = Progress({"first": 100, "second": 200, "third": 60}, lines.append)
    progress.begin("first")
    assert progress.left() == 360
    now[0] = 40
    assert progress.left() == 320
    now[0] = 150  # half as long again as it was meant to take
    progress.begin("second")
    assert progress.left() == 390
    now[0] = 1000
    progress.say("tokens")
    assert lines == ["1000 s, about 2 min left  second: tokens"]


def _flood(name: int, late: float) -> Flood:
    return Flood(seconds=1.0, asked=name, good=0, refused=0, wrong=0, p50=0.0, p99=0.0, late=late)


@pytest.mark.parametrize(
    ("runs", "counts"),
    [
        pytest.param([(0.0, 0.0)], 0, id="a flood counts that nothing disturbed"),
        pytest.param([(0.0, 2.0), (0.0, 0.5)], 1, id="one in which the load generator was late is run again"),
        pytest.param([(2.0, 0.0), (0.5, 0.0)], 1, id="so is one that others disturbed"),
        pytest.param([(3.0, 1.5), (1.2, 2.0), (1.5, 4.0)], 1, id="after the last try the least disturbed counts"),
    ],
)
def test_a_flood_in_which_the_load_generator_measures_itself_does_not_count(
    runs: list[tuple[float, float]], counts: int
):
    made = [(foreign * DISTURBED, _flood(name, late * LATE_SECONDS)) for name, (foreign, late) in enumerate(runs)]
    left = iter(made)
    assert least_disturbed(lambda: next(left)) is made[counts][1]
    assert next(left, None) is None
    assert len(runs) <= MOST_TRIES

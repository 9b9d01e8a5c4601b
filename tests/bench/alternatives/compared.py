"""Rounds of Muniment and of another server in turn, each while the other one is stopped."""

import statistics
from collections.abc import Callable, Iterator
from functools import partial

from msgspec import Struct

from tests.bench.alternatives.asking import Alternative
from tests.bench.around import Cluster, Turn, undisturbed, with_costs
from tests.bench.load import Round, closed_loop


class Pace(Struct, frozen=True, kw_only=True):
    rounds: int
    seconds: float
    warm: float
    """The part of its time that a server may take to warm up."""


CAREFUL = Pace(rounds=5, seconds=1.0, warm=1.0)
QUICK = Pace(rounds=2, seconds=0.5, warm=0.2)


class Compared(Struct, frozen=True, kw_only=True):
    """Rounds of both, in pairs that ran one after the other."""

    question: str
    goal: float | None
    ours: list[Round]
    theirs: list[Round]
    dropped: int

    @property
    def ratio(self) -> float:
        """How many times as fast Muniment is: the median of the pairs."""
        return statistics.median(ours.rate / theirs.rate for ours, theirs in zip(self.ours, self.theirs, strict=True))


class Contest:
    """Both servers, and what their rounds are measured with."""

    def __init__(self, ours: Alternative, theirs: Alternative, cluster: Cluster, pace: Pace) -> None:
        self._ours, self._theirs = ours, theirs
        self._cluster, self._pace = cluster, pace

    def run(self, say: Callable[[str], None]) -> Iterator[Compared]:
        """Every question that the other answers."""
        for question in self._theirs.questions:
            say(f"{self._theirs.name}: {question}")
            yield self._compared(question)

    def _compared(self, question: str) -> Compared:
        first = partial(self._round, question, self._ours, self._theirs)
        second = partial(self._round, question, self._theirs, self._ours)

        def pair(number: int) -> Turn:
            """In the order AB BA AB .., so that a drift of the machine favours nobody."""
            if number % 2 == 0:
                return {"ours": first(self._pace.seconds), "theirs": second(self._pace.seconds)}
            return {"theirs": second(self._pace.seconds), "ours": first(self._pace.seconds)}

        first(self._pace.warm * self._ours.warm_seconds)
        second(self._pace.warm * self._theirs.warm_seconds)
        pairs, dropped = undisturbed(self._pace.rounds, pair)
        return Compared(
            question=question,
            goal=self._theirs.goals.get(question),
            ours=[each["ours"] for each in pairs],
            theirs=[each["theirs"] for each in pairs],
            dropped=dropped,
        )

    def _round(self, question: str, one: Alternative, other: Alternative, seconds: float) -> Round:
        server, exchange = one.asked_at(question), one.questions[question]()
        with other.server.paused():
            return with_costs(server, self._cluster, lambda: closed_loop(server, exchange, seconds=seconds))

"""Rounds of Muniment and of another server in turn, each while the other one is stopped."""

import statistics
from collections.abc import Callable, Iterator

from msgspec import Struct

from tests.bench.alternatives.asking import Alternative, Asking
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
        for question, theirs in self._theirs.questions.items():
            say(f"{self._theirs.name}: {question}")
            yield self._compared(question, self._ours.questions[question], theirs)

    def _compared(self, question: str, ours: Asking, theirs: Asking) -> Compared:
        def first() -> Round:
            return self._round(self._ours, self._theirs, ours, self._pace.seconds)

        def second() -> Round:
            return self._round(self._theirs, self._ours, theirs, self._pace.seconds)

        def pair(number: int) -> Turn:
            """In the order AB BA AB .., so that a drift of the machine favours nobody."""
            if number % 2 == 0:
                return {"ours": first(), "theirs": second()}
            return {"theirs": second(), "ours": first()}

        self._round(self._ours, self._theirs, ours, self._pace.warm * self._ours.warm_seconds)
        self._round(self._theirs, self._ours, theirs, self._pace.warm * self._theirs.warm_seconds)
        pairs, dropped = undisturbed(self._pace.rounds, pair)
        return Compared(
            question=question,
            goal=self._theirs.goals.get(question),
            ours=[each["ours"] for each in pairs],
            theirs=[each["theirs"] for each in pairs],
            dropped=dropped,
        )

    def _round(self, one: Alternative, other: Alternative, asking: Asking, seconds: float) -> Round:
        with other.server.paused():
            return with_costs(one.server, self._cluster, lambda: closed_loop(one.server, asking(), seconds=seconds))

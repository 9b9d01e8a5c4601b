"""Programs that are asked the same, round by round in turn: while one runs, the others stand still."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack

from msgspec import Struct

from tests.bench.around import Cluster, Turn, undisturbed, with_costs
from tests.bench.load import Exchange, Round
from tests.bench.machine import Server
from tests.bench.peers import Peer

Of = Callable[[Round], float]


class Compared(Struct, frozen=True, kw_only=True):
    """The rounds of each program by its name. Those of one number ran one after the other."""

    rounds: Mapping[str, Sequence[Round]]
    dropped: int
    """How many more turns ran: another program disturbed them, or others less."""

    def median(self, name: str, of: Of) -> float:
        return statistics.median(map(of, self.rounds[name]))

    def medians(self, of: Of) -> list[float]:
        return [self.median(name, of) for name in self.rounds]

    def ratios(self, name: str, other: str, of: Of) -> list[float]:
        """Turn by turn, in order of size."""
        return sorted(of(a) / of(b) for a, b in zip(self.rounds[name], self.rounds[other], strict=True))


def compared(
    peers: Sequence[Peer],
    cluster: Cluster,
    rounds: int,
    asking: Callable[[Peer], Exchange],
    run: Callable[[Server, Exchange], Round],
) -> Compared:
    """In the order ABC CBA ABC .., so that a drift of the machine favours nobody. Requests are made before a round begins."""

    def one(peer: Peer) -> Round:
        with ExitStack() as stack:
            for other in peers:
                if other is not peer:
                    stack.enter_context(other.server.paused())
            exchange = asking(peer)
            return with_costs(peer.server, cluster, lambda: run(peer.server, exchange))

    def turn(number: int) -> Turn:
        order = peers if number % 2 == 0 else peers[::-1]
        taken = {peer.name: one(peer) for peer in order}
        return {peer.name: taken[peer.name] for peer in peers}

    turns, dropped = undisturbed(rounds, turn)
    return Compared(rounds={peer.name: [turn[peer.name] for turn in turns] for peer in peers}, dropped=dropped)

"""Token, registration, introspection: the service against the ceiling program, round by round in turn."""

import statistics
from collections.abc import Callable, Iterable
from functools import partial

from msgspec import Struct

from tests.bench.around import Cluster, undisturbed, with_costs
from tests.bench.load import Exchange, Round, closed_loop, open_loop
from tests.bench.pace import Pace
from tests.bench.peers import Peer

WARM_SECONDS = 0.3
Asking = Callable[[Peer], Exchange]


class Compared(Struct, frozen=True, kw_only=True):
    """Rounds of both, in pairs that ran one after the other; within a pair the machine was much the same."""

    service: list[Round]
    ceiling: list[Round]
    dropped: int
    """How many more pairs ran: another program disturbed them, or others less."""

    def median(self, of: Callable[[Round], float]) -> tuple[float, float]:
        """(the service's, the ceiling program's)."""
        return statistics.median(map(of, self.service)), statistics.median(map(of, self.ceiling))

    def ratios(self, of: Callable[[Round], float]) -> list[float]:
        """The service's part of the ceiling, pair by pair, in order of size."""
        return sorted(of(s) / of(c) for s, c in zip(self.service, self.ceiling, strict=True))


class Endpoint(Struct, frozen=True, kw_only=True):
    """What is asked of both; `goal` is the part of the ceiling that DESIGN section 5 wants."""

    name: str
    asking: Asking
    goal: float | None
    rates: tuple[int, ...] = ()


ENDPOINTS = (
    Endpoint(name="tokens", asking=Peer.tokens, goal=0.95, rates=(200, 2000)),
    Endpoint(name="tokens, private_key_jwt and DPoP", asking=Peer.tokens_by_key, goal=0.70, rates=(200,)),
    Endpoint(name="registrations", asking=Peer.registrations, goal=0.70, rates=(200,)),
    Endpoint(name="introspections", asking=Peer.introspections, goal=0.85, rates=(200,)),
    Endpoint(name="introspections, first of a token", asking=Peer.first_introspections, goal=None),
)


class Measured(Struct, frozen=True, kw_only=True):
    endpoint: Endpoint
    throughput: Compared
    latencies: dict[int, Compared]


def measure(
    service: Peer, ceiling: Peer, cluster: Cluster, pace: Pace, say: Callable[[str], None]
) -> Iterable[Measured]:
    for endpoint in ENDPOINTS:
        say(f"{endpoint.name} at 16 connections")
        for peer in (service, ceiling):
            _flat_out(endpoint, WARM_SECONDS, peer)
        throughput = _compared(service, ceiling, cluster, pace.rounds, partial(_flat_out, endpoint, pace.seconds))
        latencies: dict[int, Compared] = {}
        for rate in endpoint.rates:
            say(f"{endpoint.name} at {rate}/s")
            paced = partial(_paced, endpoint, rate, pace.open_seconds)
            latencies[rate] = _compared(service, ceiling, cluster, pace.open_rounds, paced)
        yield Measured(endpoint=endpoint, throughput=throughput, latencies=latencies)


def _compared(service: Peer, ceiling: Peer, cluster: Cluster, rounds: int, run: Callable[[Peer], Round]) -> Compared:
    """Pairs in the order AB BA AB .., so that a drift of the machine favours nobody."""

    def one(peer: Peer, other: Peer) -> Round:
        with other.server.paused():
            return with_costs(peer.server, cluster, lambda: run(peer))

    def pair(number: int) -> tuple[Round, Round]:
        if number % 2 == 0:
            return one(service, ceiling), one(ceiling, service)
        second = one(ceiling, service)
        return one(service, ceiling), second

    pairs, dropped = undisturbed(rounds, pair)
    return Compared(service=[ours for ours, _ in pairs], ceiling=[theirs for _, theirs in pairs], dropped=dropped)


def _flat_out(endpoint: Endpoint, seconds: float, peer: Peer) -> Round:
    return closed_loop(peer.server, endpoint.asking(peer), seconds=seconds)


def _paced(endpoint: Endpoint, rate: int, seconds: float, peer: Peer) -> Round:
    return open_loop(peer.server, endpoint.asking(peer), rate=rate, seconds=seconds)

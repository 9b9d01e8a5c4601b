"""What programs ask for, machine by machine: the service against the two ceiling programs, round by round in turn."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial

from msgspec import Struct

from tests.bench.around import Cluster
from tests.bench.compared import Compared, compared
from tests.bench.load import LEAD_SECONDS, Exchange, Patient, closed_loop, open_loop, rate_of
from tests.bench.pace import Pace
from tests.bench.peers import Peer
from tests.bench.place import Place
from tests.bench.programs import ASGI, SERVICE, STARLETTE, three

WARM_SECONDS = 0.3
ENOUGH = 600
"""So many requests a round has at least whose 99th percentile is a goal: that of fewer is chance."""

OF_SATURATION = 0.8
NEARLY_SATURATED = 0.9
"""Of its own rate. At more than that an open loop measures how long it has run, and nothing else."""

Asking = Callable[[Peer], Exchange]


class Endpoint(Struct, frozen=True, kw_only=True):
    """What is asked of all. `goals` are the parts of the ceilings that the budget wants, `most_p99` milliseconds by the rate of arrivals."""

    name: str
    asking: Asking
    goals: Mapping[str, float]
    rates: Sequence[int] | None = (200, 2000)
    """Of arrivals, beside OF_SATURATION of its own. None: there are too few requests for an open loop."""

    most_p99: Mapping[int, float] = {}
    least_rate: int = 0
    """Of one process on one core, where the budget names it."""


ENDPOINTS = (
    Endpoint(name="tokens", asking=Peer.tokens, goals={STARLETTE: 0.95, ASGI: 0.85}, most_p99={200: 4, 2000: 8}),
    Endpoint(
        name="tokens, another request each time",
        asking=Peer.tokens_asked_otherwise,
        goals={STARLETTE: 0.95, ASGI: 0.85},
        rates=None,
    ),
    Endpoint(name="introspections", asking=Peer.introspections, goals={STARLETTE: 1.0, ASGI: 0.75}),
    Endpoint(
        name="introspections, first of a token",
        asking=Peer.first_introspections,
        goals={STARLETTE: 0.85},
        rates=None,
    ),
    Endpoint(name="tokens, private_key_jwt and DPoP", asking=Peer.tokens_by_key, goals={STARLETTE: 0.70}, rates=()),
    Endpoint(name="registrations", asking=Peer.registrations, goals={STARLETTE: 0.70, ASGI: 0.60}),
)
"""Registrations come last, so that the others do not pay for projections that follow them."""


class Measured(Struct, frozen=True, kw_only=True):
    """`latencies` by the rate of arrivals; the highest is OF_SATURATION of the service's own."""

    endpoint: Endpoint
    throughput: Compared
    latencies: Mapping[int, Compared]


def measured(
    endpoints: Iterable[Endpoint], peers: Sequence[Peer], cluster: Cluster, place: Place
) -> Iterator[Measured]:
    for endpoint in endpoints:
        place.say(f"{endpoint.name} at 16 connections")
        for peer in peers:
            closed_loop(peer.server, endpoint.asking(peer), seconds=WARM_SECONDS)
        pace, latencies = place.pace, dict[int, Compared]()
        flat_out = partial(closed_loop, seconds=pace.seconds)
        throughput = compared(peers, cluster, pace.rounds, endpoint.asking, flat_out)
        for rate in _rates(endpoint, throughput):
            place.say(f"{endpoint.name} at {rate}/s")
            paced = partial(open_loop, rate=rate, seconds=_open_seconds(endpoint, rate, pace))
            latencies[rate] = compared(peers, cluster, pace.open_rounds, partial(_patient, endpoint), paced)
        yield Measured(endpoint=endpoint, throughput=throughput, latencies=latencies)


def _patient(endpoint: Endpoint, peer: Peer) -> Exchange:
    return Patient(endpoint.asking(peer))


def _open_seconds(endpoint: Endpoint, rate: float, pace: Pace) -> float:
    return max(pace.open_seconds, ENOUGH / rate) if rate in endpoint.most_p99 else pace.open_seconds


def _rates(endpoint: Endpoint, throughput: Compared) -> list[int]:
    if endpoint.rates is None:
        return []
    own = throughput.median(SERVICE, rate_of)
    slower = {rate for rate in endpoint.rates if rate < own * NEARLY_SATURATED}
    return sorted({*slower, round(own * OF_SATURATION)})


def seconds(pace: Pace) -> float:
    """About what this section takes."""
    return 20 + sum(seconds_of(each, pace) for each in ENDPOINTS)


def seconds_of(endpoint: Endpoint, pace: Pace) -> float:
    """About what the rounds of all three programs take: a round of an open loop first connects, and has its lead."""
    paced = [_open_seconds(endpoint, rate, pace) for rate in endpoint.rates or ()]
    paced += [pace.open_seconds] * (endpoint.rates is not None)
    opening = sum(each + LEAD_SECONDS + 0.1 for each in paced)
    return 3 * (WARM_SECONDS + pace.rounds * pace.seconds + pace.open_rounds * opening)


def measure(place: Place) -> list[Measured]:
    with three(place, "endpoints") as peers:
        return list(measured(ENDPOINTS, peers, place.cluster(), place))

"""What people ask for, and what is asked for about them: each path with its own ceiling, round by round in turn."""

from collections.abc import Callable, Iterator, Mapping

from tests.bench import signins
from tests.bench.crowded import of_ceiling, of_service
from tests.bench.crowds import Crowd
from tests.bench.endpoint_figures import Endpoints
from tests.bench.endpoints import Endpoint, measured, seconds_of
from tests.bench.figures import Figures
from tests.bench.load import Exchange
from tests.bench.pace import Pace
from tests.bench.peers import Peer
from tests.bench.place import Place
from tests.bench.programs import SERVICE, STARLETTE, three

ROUNDS, OPEN_SECONDS = 3, 0.5
GOALS = {STARLETTE: 0.70}
EXCHANGES_A_SECOND = 2000
"""Of one core. An ID token by RS256, the default, has no such goal: that signature alone takes 0.3 ms."""

PATHS: Mapping[str, Callable[[Crowd], Exchange]] = {
    "userinfo": Crowd.userinfos,
    "a client as of a position": Crowd.past_reads,
    "100 events of the audit": Crowd.audit_pages,
    "50 clients in the console": Crowd.console_lists,
    "authorize (signed in, consented)": Crowd.authorizations,
    "code exchange": Crowd.exchanges,
    "code exchange, ES256": lambda crowd: crowd.by_es256.exchanges(),
    "refresh": Crowd.refreshes,
    "refresh, ES256": lambda crowd: crowd.by_es256.refreshes(),
}
"""Reads come first: what is appended is followed at leisure, and a read after it would pay for that."""


def seconds(pace: Pace) -> float:
    """About what this section takes: codes are made before each of the rounds that redeem them."""
    fewer = _shorter(pace)
    rounds = sum(seconds_of(_endpoint(name, {}, asking), fewer) for name, asking in PATHS.items())
    return 10 + rounds + 2 * (fewer.rounds + 2 * fewer.open_rounds) + 3 * pace.open_rounds * pace.seconds


def measure(place: Place) -> Iterator[tuple[str, Figures]]:
    with three(place, "people") as peers:
        place.say("making people, and signing them in")
        crowds = {peer.name: _crowd(peer, place) for peer in peers}
        endpoints = [_endpoint(name, crowds, asking) for name, asking in PATHS.items()]
        fewer = place.__replace__(pace=_shorter(place.pace))
        yield "people", Endpoints("People", list(measured(endpoints, peers, place.cluster(), fewer)))
        yield "sign-ins", signins.measure(peers[0], place)


def _shorter(pace: Pace) -> Pace:
    """There are many paths."""
    return pace.__replace__(rounds=min(ROUNDS, pace.rounds), open_seconds=min(OPEN_SECONDS, pace.open_seconds))


def _crowd(peer: Peer, place: Place) -> Crowd:
    return of_service(peer, place.url_of("people")) if peer.name == SERVICE else of_ceiling(peer)


def _endpoint(name: str, crowds: Mapping[str, Crowd], asking: Callable[[Crowd], Exchange]) -> Endpoint:
    is_by_es256 = name.endswith("ES256")
    return Endpoint(
        name=name,
        asking=lambda peer: asking(crowds[peer.name]),
        goals=GOALS,
        rates=None if is_by_es256 else (),  # what waits is the same as by RS256
        least_rate=EXCHANGES_A_SECOND if is_by_es256 else 0,
    )

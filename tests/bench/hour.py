"""An hour of steady, mixed load, and what the service has in memory meanwhile. Nothing that is asked for may make it grow for ever."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial
from statistics import median

from msgspec import Struct
from rich.table import Table

from tests.bench.crowded import of_service
from tests.bench.crowds import Crowd
from tests.bench.figures import Figures, Goal, at_most, table
from tests.bench.load import Exchange, Patient, Round, closed_loop, open_loop
from tests.bench.machine import Failed, Server, free_port
from tests.bench.peers import KNOWN_TOKENS, Peer, service
from tests.bench.place import Place

A_MINUTE, STEP_MINUTES = 60, 5
STRETCH_SECONDS = 3.0
GLANCE_SECONDS = 10.0
WARM_MINUTES = 10
MOST = 1.10
"""What the process may have at the end, as a part of what it had after WARM_MINUTES."""

LONG = {"MUNIMENT_TOKEN_LIFETIME": "14400"}
"""So that the tokens of the operator and of people outlive the run."""

MACHINES: Mapping[str, tuple[float, Callable[[Peer], Exchange]]] = {
    "tokens": (48, Peer.tokens),
    "registrations": (8, Peer.registrations),
    "introspections": (20, Peer.introspections),
}
PEOPLE: Mapping[str, tuple[float, Callable[[Crowd], Exchange]]] = {
    "authorize": (6, Crowd.authorizations),
    "refreshes": (6, Crowd.refreshes),
    "userinfo": (10, Crowd.userinfos),
    "the audit": (1, Crowd.audit_pages),
    "the console": (1, Crowd.console_lists),
}
"""How many a second of each: 100 together."""


class Look(Struct, frozen=True, kw_only=True):
    """What the process had in memory up to so many minutes, in bytes, and what the requests since the last look cost and took."""

    minutes: float
    own: int
    """The median of what was seen every GLANCE_SECONDS: it goes up and down by some MB within seconds."""
    pss: int
    """Its own and its share of the files that it maps, which changes as other programs start and end."""
    requests: int
    refused: int
    """With a 503 and Retry-After, since the last look."""
    cpu_microseconds: float
    slowest: float
    """In seconds."""


class Mixed(Struct, frozen=True):
    rounds: Sequence[Round]
    refused: int
    cpu_seconds: float
    own: int
    pss: int


class Hour(Figures, frozen=True):
    looks: Sequence[Look]

    def tables(self) -> Iterable[Table]:
        rate = sum(each for each, _ in (*MACHINES.values(), *PEOPLE.values()))
        made = table(
            f"One process under {rate} mixed requests a second",
            *("minutes", "own MB", "PSS MB", "requests so far", "503, Retry-After", "CPU µs each", "slowest ms"),
        )
        for each in self.looks:
            cost, waited = f"{each.cpu_microseconds:.0f}", f"{each.slowest * 1e3:.0f}"
            memory = f"{each.own / 1e6:.1f}", f"{each.pss / 1e6:.1f}"
            made.add_row(f"{each.minutes:.0f}", *memory, f"{each.requests:,}", str(each.refused), cost, waited)
        yield made

    def goals(self) -> Iterable[Goal]:
        warm = next((each for each in self.looks if each.minutes >= WARM_MINUTES), self.looks[0])
        last = self.looks[-1]
        what = f"own memory after {last.minutes:.0f} minutes, of that after {warm.minutes:.0f}"
        yield at_most(what, MOST, last.own / warm.own, "{:.0%}")


def measure(place: Place) -> Iterator[Hour]:
    """What was seen before a fault is given, too."""
    url, looks = place.database("hour"), list[Look]()
    more = {"MUNIMENT_METRICS_ADDRESS": f"127.0.0.1:{free_port()}", **LONG}
    with service(url, place.directory, more=more) as peer:
        place.say("making people, and signing them in")
        crowd = of_service(peer, url)
        try:
            for look in _looks(peer, crowd, place.pace.minutes):
                looks.append(look)
                seen = (
                    f"{look.requests:,} requests: {look.own / 1e6:.1f} MB, with its share of files {look.pss / 1e6:.1f}"
                )
                place.say(f"after {look.minutes:.0f} minutes and {seen}")
        except Failed:
            if looks:
                yield Hour(looks)
            raise
    yield Hour(looks)


def _looks(peer: Peer, crowd: Crowd, minutes: float) -> Iterator[Look]:
    begun, requests, left = time.monotonic(), 0, minutes
    while left > 0:
        mixed = _mixed(peer, crowd, min(STEP_MINUTES, left) * A_MINUTE)
        asked = sum(each.requests for each in mixed.rounds)
        requests += asked
        yield Look(
            minutes=round((time.monotonic() - begun) / A_MINUTE, 2),
            own=mixed.own,
            pss=mixed.pss,
            requests=requests,
            refused=mixed.refused,
            cpu_microseconds=mixed.cpu_seconds / asked * 1e6,
            slowest=max(each.slowest for each in mixed.rounds),
        )
        left -= STEP_MINUTES


def _mixed(peer: Peer, crowd: Crowd, seconds: float) -> Mixed:
    """All kinds at once, each from a thread of its own; codes are made and redeemed before, as fast as it goes."""
    del peer.issued[:-KNOWN_TOKENS]
    closed_loop(peer.server, peer.tokens(), seconds=1)
    closed_loop(peer.server, crowd.exchanges(), seconds=A_MINUTE)
    asked = [
        *((rate, Patient(asking(peer))) for rate, asking in MACHINES.values()),
        *((rate, Patient(asking(crowd))) for rate, asking in PEOPLE.values()),
    ]
    cpu = peer.server.cpu_seconds()
    with ThreadPoolExecutor(len(asked)) as threads:
        run = partial(_steadily, peer.server, until=time.monotonic() + seconds)
        under_way = [threads.submit(run, exchange, rate=rate) for rate, exchange in asked]
        seen = [_memory(peer.server)]
        while wait(under_way, timeout=GLANCE_SECONDS).not_done:
            seen.append(_memory(peer.server))
        rounds = [round_ for each in under_way for round_ in each.result()]
    refused, used = sum(each.refused for each in rounds), peer.server.cpu_seconds() - cpu
    own, pss = (round(median(each)) for each in zip(*seen, strict=True))
    return Mixed(rounds, refused, used, own, pss)


def _memory(server: Server) -> tuple[int, int]:
    """(its own, PSS), in bytes."""
    return server.own_memory(), server.pss()


def _steadily(server: Server, exchange: Exchange, *, rate: float, until: float) -> list[Round]:
    """With new connections every STRETCH_SECONDS: the service closes one that nobody has used for longer."""
    rounds: list[Round] = []
    while time.monotonic() < until:
        rounds.append(open_loop(server, exchange, rate=rate, seconds=STRETCH_SECONDS, connections=16))
    return rounds

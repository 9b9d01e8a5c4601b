"""Whether a token stays what it costs: with a burst of tokens still to be followed, many active clients, and very many registered ones."""

import asyncio
import statistics
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial

from msgspec import Struct
from rich.table import Table

from tests.bench import crowd
from tests.bench.compared import Compared, compared
from tests.bench.figures import Figures, Goal, at_least, at_most, table
from tests.bench.history.measuring import await_idle
from tests.bench.load import LEAD_SECONDS, Round, closed_loop, cost_of, open_loop
from tests.bench.machine import SERVER, Failed, pinned
from tests.bench.pace import Pace
from tests.bench.peers import Peer, service
from tests.bench.place import Place

QUIET, BURST, ACTIVE, REGISTERED = "quiet", "burst", "active", "registered"
OTHERS = (BURST, ACTIVE, REGISTERED)
FEW, MANY = 100, 1000
RATES = (200, 2000)
WARM_SECONDS = 1.0
ENOUGH = 800
"""So many requests a round has at least: the 99th percentile of fewer is chance."""
MOST = 1.10
"""The part of the quiet case that p99 and CPU of a token may be."""

LINEAR = 0.8
"""The part of the rate at which the tokens are verified that is left when there are twice as many."""

Of = Callable[[Round], float]


class Verified(Struct, frozen=True):
    tokens: int
    seconds: float

    @property
    def rate(self) -> float:
        return self.tokens / self.seconds


class Flat(Figures, frozen=True, kw_only=True):
    """`left` tokens of the burst were still to be followed when all rounds had ended."""

    burst: int
    left: int
    registered: int
    flat_out: Compared
    latencies: Mapping[int, Compared]
    verified: Sequence[Verified]

    def tables(self) -> Iterable[Table]:
        titles = {
            QUIET: f"quiet, {FEW} clients",
            BURST: f"{self.burst:,} tokens to be followed, {self.left:,} at the end",
            ACTIVE: f"{MANY:,} active clients",
            REGISTERED: f"{self.registered:,} registered clients",
        }
        slow = [f"p99 ms at {rate:,}/s" for rate in self.latencies]
        made = table(
            "A token of one process on one core; medians (least to most), and the median ratio to the quiet case turn by turn",
            *("", "CPU µs", "", "Postgres µs", ""),
            *(column for title in slow for column in (title, "")),
            *("PSS", "dropped"),
        )
        for name, title in titles.items():
            made.add_row(title, *self._cells(name))
        yield made
        made = table("`projections verify last_used`", "tokens", "seconds", "tokens a second")
        for each in self.verified:
            made.add_row(f"{each.tokens:,}", f"{each.seconds:.1f}", f"{each.rate:,.0f}")
        yield made

    def _cells(self, name: str) -> Iterable[str]:
        for of in (cost_of, postgres_cost_of):
            yield f"{self.flat_out.median(name, of):.0f}"
            yield _ratios(self.flat_out, name, of)
        for each in self.latencies.values():
            waited = sorted(p99_of(one) * 1e3 for one in each.rounds[name])
            yield f"{statistics.median(waited):.1f} ({waited[0]:.0f} to {waited[-1]:.0f})"
            yield _ratios(each, name, p99_of)
        yield f"{self.flat_out.median(name, lambda each: each.pss) / 1e6:.0f} MB"
        yield str(self.flat_out.dropped + sum(each.dropped for each in self.latencies.values()))

    def goals(self) -> Iterable[Goal]:
        for name in OTHERS:
            yield _goal(f"{name}, CPU of a token", self.flat_out, name, cost_of)
            for rate, each in self.latencies.items():
                yield _goal(f"{name}, p99 at {rate:,}/s", each, name, p99_of)
        once, twice = self.verified
        yield at_least("verification, rate with twice the tokens", LINEAR, twice.rate / once.rate, "{:.0%}")


def p99_of(each: Round) -> float:
    return each.p99


def postgres_cost_of(each: Round) -> float:
    return each.postgres_microseconds


def _ratios(found: Compared, name: str, of: Of) -> str:
    ratios = found.ratios(name, QUIET, of)
    return f"{statistics.median(ratios):.0%} ({ratios[0]:.0%} to {ratios[-1]:.0%})"


def _goal(what: str, found: Compared, name: str, of: Of) -> Goal:
    """The median ratio of all turns; the spread is beside it, for one turn alone may be chance."""
    ratio = statistics.median(found.ratios(name, QUIET, of))
    return at_most(what, MOST, ratio, "{:.0%}").__replace__(found=_ratios(found, name, of))


def seconds(pace: Pace) -> float:
    """About what this section takes: each round is one of four, and the preparation is about what was seen."""
    rounds = pace.seconds + sum(_seconds(rate, pace) + LEAD_SECONDS + 0.2 for rate in RATES)
    made = 35 + pace.registered / 8_000 + pace.burst / 12_000
    return made + 4 * pace.open_rounds * rounds


def _seconds(rate: int, pace: Pace) -> float:
    return max(pace.open_seconds, ENOUGH / rate)


def measure(place: Place) -> Flat:
    pace = place.pace
    urls = {name: place.database(f"flat_{name}") for name in (QUIET, *OTHERS)}
    with _services(urls, place) as peers:
        inquiry = (peers, place.cluster(), pace.open_rounds, Peer.tokens)
        place.say("tokens at 16 connections, in four cases")
        flat_out = compared(*inquiry, partial(closed_loop, seconds=pace.seconds))
        latencies: dict[int, Compared] = {}
        for rate in RATES:
            place.say(f"tokens at {rate:,}/s, in four cases")
            latencies[rate] = compared(*inquiry, partial(open_loop, rate=rate, seconds=_seconds(rate, pace)))
        left = asyncio.run(crowd.to_follow(urls[BURST]))
    if left < pace.burst / 10:
        raise Failed(f"of {pace.burst:,} tokens to be followed only {left:,} were left: ask for more by --burst")
    return Flat(
        burst=pace.burst,
        left=left,
        registered=pace.registered,
        flat_out=flat_out,
        latencies=latencies,
        verified=list(_verified(urls, place)),
    )


@contextmanager
def _services(urls: Mapping[str, str], place: Place) -> Generator[Sequence[Peer]]:
    """One for each case, at rest but for the burst. What is made beforehand is made on the server's core, beside Postgres."""
    pace = place.pace
    place.say(f"registering {pace.registered:,} clients")
    with pinned(SERVER):
        asyncio.run(crowd.register(urls[REGISTERED], pace.registered))
    with ExitStack() as stack:
        peers = {
            name: stack.enter_context(service(url, place.directory, clients=MANY if name == ACTIVE else FEW, name=name))
            for name, url in urls.items()
        }
        place.say("waiting until all is followed")
        for name, peer in peers.items():
            closed_loop(peer.server, peer.tokens(), seconds=WARM_SECONDS)
            asyncio.run(await_idle(urls[name], peer))
        place.say(f"issuing {pace.burst:,} tokens")
        with peers[BURST].server.paused():
            asyncio.run(crowd.issue(urls[BURST], pace.burst))
        yield list(peers.values())


def _verified(urls: Mapping[str, str], place: Place) -> Iterable[Verified]:
    """Of half as many tokens as the burst has, and of the burst."""
    place.say(f"issuing {place.pace.burst // 2:,} tokens")
    asyncio.run(crowd.issue(urls[ACTIVE], place.pace.burst // 2))
    for name in (ACTIVE, BURST):
        place.say("verifying the last uses")
        yield Verified(*asyncio.run(crowd.verified(urls[name])))

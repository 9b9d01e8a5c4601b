"""One program in several variants, asked the same, round by round in turn."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from msgspec import to_builtins
from rich.table import Table

from tests.bench.compared import Compared, compared
from tests.bench.figures import Figures, table
from tests.bench.load import Exchange, closed_loop, cost_of, rate_of
from tests.bench.peers import Peer
from tests.bench.place import Place

WARM_SECONDS = 0.5
ASKED: Mapping[str, Callable[[Peer], Exchange]] = {"tokens": Peer.tokens, "registrations": Peer.registrations}


class Variants(Figures, frozen=True):
    """What each question came to, by the name of the variant; the first one is what the others are compared with."""

    title: str
    note: str
    compared: Mapping[str, Compared]

    def tables(self) -> Sequence[Table]:
        title = f"{self.title}: requests a second, 16 connections; medians, ratios to the first turn by turn"
        columns = ("", "(least to most)", "of the first", "CPU µs", "Postgres µs", "p99 ms", "PSS MB", "dropped")
        made = table(title, "", *columns)
        made.caption, made.caption_justify = self.note, "left"
        for what, each in self.compared.items():
            for name in self.names():
                made.add_row(f"{what}, {name}", *_cells(each, name))
        return [made]

    def names(self) -> Sequence[str]:
        return list(next(iter(self.compared.values())).rounds)

    def plain(self) -> object:
        return to_builtins(self.compared)


def _cells(each: Compared, name: str) -> Sequence[str]:
    first, rates = next(iter(each.rounds)), sorted(map(rate_of, each.rounds[name]))
    return (
        f"{statistics.median(rates):,.0f}",
        f"{rates[0]:,.0f} to {rates[-1]:,.0f}",
        f"{statistics.median(each.ratios(name, first, rate_of)):.0%}",
        f"{each.median(name, cost_of):.0f}",
        f"{each.median(name, lambda r: r.postgres_microseconds):.0f}",
        f"{each.median(name, lambda r: r.p99) * 1e3:.1f}",
        f"{each.median(name, lambda r: r.pss) / 1e6:.0f}",
        str(each.dropped),
    )


def measured(peers: Sequence[Peer], place: Place, what: str) -> Mapping[str, Compared]:
    """Tokens and registrations of each."""
    cluster, found = place.cluster(), dict[str, Compared]()
    for question, asking in ASKED.items():
        place.say(f"{question}, {what}")
        for peer in peers:
            closed_loop(peer.server, asking(peer), seconds=WARM_SECONDS)
        run = partial(closed_loop, seconds=place.pace.seconds)
        found[question] = compared(peers, cluster, place.pace.rounds, asking, run)
    return found

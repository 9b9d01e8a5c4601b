"""Signing in by password: bound by argon2, whose own rate is beside it."""

import statistics
import time
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import cycle
from urllib.parse import urlencode

import httpx
from rich.table import Table

from service.people.passwords import HASHER
from tests.bench.compared import Compared, compared
from tests.bench.crowded import PASSWORD, PEOPLE, email
from tests.bench.figures import Figures, Goal, at_least, table
from tests.bench.load import Exchange, closed_loop, cost_of, rate_of
from tests.bench.machine import SERVER, pinned
from tests.bench.peers import FORM, Peer, post
from tests.bench.place import Place
from tests.flows.browsing import Shown

GOAL = 0.70
CONNECTIONS = 4
"""An account or an address may fail so often in a minute, and an attempt counts as failed until it succeeds: more would be refused."""


class SignIns(Figures, frozen=True):
    """`argon2` is verifications a second on the server's core, before each of the rounds."""

    argon2: Sequence[float]
    rounds: Compared

    def tables(self) -> Iterable[Table]:
        title = f"Sign-in by password, {CONNECTIONS} connections: one verification by argon2id each"
        made = table(
            title, "", "a second", "argon2 alone", "of argon2", "goal", "CPU ms", "p50 ms", "p99 ms", "dropped"
        )
        (name,) = self.rounds.rounds
        made.add_row(
            "sign-ins",
            f"{self.rounds.median(name, rate_of):.1f}",
            f"{statistics.median(self.argon2):.1f}",
            f"{self._part():.0%}",
            f"≥ {GOAL:.0%}",
            f"{self.rounds.median(name, cost_of) / 1e3:.1f}",
            f"{self.rounds.median(name, lambda r: r.p50) * 1e3:.0f}",
            f"{self.rounds.median(name, lambda r: r.p99) * 1e3:.0f}",
            str(self.rounds.dropped),
        )
        yield made

    def goals(self) -> Iterable[Goal]:
        yield at_least("sign-ins, of what argon2 alone does", GOAL, self._part())

    def _part(self) -> float:
        (name,) = self.rounds.rounds
        return self.rounds.median(name, rate_of) / statistics.median(self.argon2)


def measure(peer: Peer, place: Place) -> SignIns:
    place.say("signing in")
    argon2: list[float] = []
    asked = _requests(peer)

    def asking(_: Peer) -> Exchange:
        argon2.append(_verifications(place.pace.seconds))
        return Exchange(cycle(asked), 303, len)

    run = partial(closed_loop, seconds=2 * place.pace.seconds, connections=CONNECTIONS)
    rounds = compared([peer], place.cluster(), place.pace.open_rounds, asking, run)
    return SignIns(argon2, rounds)


def _verifications(seconds: float) -> float:
    hashed = HASHER.hash(PASSWORD)
    with pinned(SERVER):
        begun, count = time.perf_counter(), 0
        while time.perf_counter() < begun + seconds:
            HASHER.verify(hashed, PASSWORD)
            count += 1
        return count / (time.perf_counter() - begun)


def _requests(peer: Peer) -> list[bytes]:
    """Of each of the people, in one browser that has seen the form."""
    host, port = peer.server.address
    with httpx.Client(base_url=f"http://{host}:{port}", timeout=60) as browser:
        form = Shown(browser.get("/signin", headers={"Accept": "text/html"})).form("password")
        cookies = "; ".join(f"{each.name}={each.value}" for each in browser.cookies.jar)
    filled = [{**form.fields, "username": email(number), "password": PASSWORD} for number in range(PEOPLE)]
    return [post(form.action, FORM, urlencode(each).encode(), f"Cookie: {cookies}") for each in filled]

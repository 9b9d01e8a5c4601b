"""From `muniment serve` to a first token, on an empty directory and on one that was used before; memory once clients are known."""

import statistics
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct, json
from rich.table import Table

from tests.bench.figures import Figures, Goal, at_most, colored, table
from tests.bench.load import Exchange, closed_loop
from tests.bench.machine import ALL, Failed, Server, await_listening, environment, free_port, started
from tests.bench.pace import Pace
from tests.bench.peers import MUNIMENT, access_token, registered, token_request

CLIENTS = 10_000
MOST_COLD, MOST_WARM, MOST_PSS = 3, 1, 85


class Credentials(Struct, frozen=True):
    client_id: str
    client_secret: str


class Starts(Figures, frozen=True, kw_only=True):
    """Seconds from the command to the token in hand; bytes of the one process, after a token for each of CLIENTS clients."""

    cold: list[float]
    warm: list[float]
    clients: int
    pss_at_start: int
    pss: int

    def tables(self) -> Iterable[Table]:
        made = table("Start, with the embedded Postgres, on all cores", "", "", "goal")
        for name, seconds, goal in (
            ("empty directory", self.cold, MOST_COLD),
            ("used directory", self.warm, MOST_WARM),
        ):
            taken = statistics.median(seconds)
            made.add_row(f"first token, {name}", f"{taken:.2f} s", colored(f"≤ {goal} s", is_met=taken <= goal))
        made.add_row("memory (PSS) at start", f"{self.pss_at_start / 1e6:.0f} MB", "")
        known = f"memory (PSS) with {self.clients:,} clients"
        made.add_row(known, f"{self.pss / 1e6:.0f} MB", colored(f"≤ {MOST_PSS} MB", is_met=self.pss <= MOST_PSS * 1e6))
        yield made

    def goals(self) -> Iterable[Goal]:
        for what, taken, wanted in (
            ("a used directory", self.warm, MOST_WARM),
            ("an empty directory", self.cold, MOST_COLD),
        ):
            yield at_most(f"first token on {what}, s", wanted, statistics.median(taken), "{:.2f}")
        yield at_most(f"PSS with {self.clients:,} clients, MB", MOST_PSS, self.pss / 1e6, "{:.0f}")


def measure(directory: Path, pace: Pace, say: Callable[[str], None]) -> Starts:
    cold: list[float] = []
    warm: list[float] = []
    before = after = 0
    for number in range(pace.starts):
        data = directory / f"start{number}"
        say("start on an empty directory")
        with _running(data) as (_, _, seconds):
            cold.append(seconds)
        say("start on a used one")
        with _running(data) as (server, token, seconds):
            warm.append(seconds)
            if number == pace.starts - 1:
                say(f"{CLIENTS:,} clients")
                before = server.pss()
                _fill(server, token)
                after = server.pss()
    return Starts(cold=cold, warm=warm, clients=CLIENTS, pss_at_start=before, pss=after)


@contextmanager
def _running(data: Path) -> Generator[tuple[Server, str, float]]:
    """A service with a Postgres of its own, its operator's first token, and how long that took."""
    port, log = free_port(), data.with_suffix(".log")
    settings = environment(MUNIMENT_DATA=str(data), PORT=str(port), MUNIMENT_RATE_LIMIT="0")
    begun = time.perf_counter()
    with started([MUNIMENT, "serve"], settings, port, log=log, cores=ALL) as server:
        await_listening(server, log)
        operator = json.decode((data / "operator.json").read_bytes(), type=Credentials)
        token = access_token(server, operator.client_id, operator.client_secret)
        yield server, token, time.perf_counter() - begun


def _fill(server: Server, bearer: str) -> None:
    """Every client gets a token, so that the service knows all of them."""
    bodies: list[bytes] = []
    requests = (token_request(*credentials) for credentials in registered(server, bearer, CLIENTS))
    asked = Exchange(requests, 200, len, keep=bodies)
    closed_loop(server, asked, seconds=120)
    if len(bodies) != CLIENTS:
        raise Failed(f"{len(bodies)} tokens for {CLIENTS} clients")

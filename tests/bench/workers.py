"""The service with `--workers` 1, 2 and 4."""

from collections.abc import Iterable
from contextlib import ExitStack

from tests.bench.figures import Goal, at_most
from tests.bench.machine import ALL, free_port
from tests.bench.pace import Pace
from tests.bench.peers import service
from tests.bench.place import Place
from tests.bench.variants import WARM_SECONDS, Variants, measured

WORKERS = (1, 2, 4)
ROUNDS = 3
MOST_PSS = 85
NOTE = (
    f"On all {len(ALL)} cores, which Postgres and the load generator use, too. On few cores this shows what a worker costs "
    "(CPU of a request, memory), and not how the rate grows."
)


class Workers(Variants, frozen=True):
    def goals(self) -> Iterable[Goal]:
        """The process that starts several workers counts as theirs."""
        tokens = self.compared["tokens"]
        for name, workers in zip(self.names(), WORKERS, strict=True):
            each = tokens.median(name, lambda r: r.pss) / workers / 1e6
            yield at_most(f"PSS of a worker, {name}, MB", MOST_PSS, each, "{:.0f}")


def seconds(pace: Pace) -> float:
    """About what this section takes."""
    return 10 + 6 * (WARM_SECONDS + _shorter(pace).rounds * pace.seconds)


def _shorter(pace: Pace) -> Pace:
    return pace.__replace__(rounds=min(ROUNDS, pace.rounds))


def measure(place: Place) -> Workers:
    place = place.__replace__(pace=_shorter(place.pace))
    with ExitStack() as stack:
        peers = [
            stack.enter_context(
                service(
                    place.database(f"workers{workers}"),
                    place.directory,
                    name=_name(workers),
                    more={"MUNIMENT_METRICS_ADDRESS": f"127.0.0.1:{free_port()}"},
                    workers=workers,
                    cores=ALL,
                )
            )
            for workers in WORKERS
        ]
        return Workers("The service by its workers", NOTE, measured(peers, place, "1, 2 and 4 workers"))


def _name(workers: int) -> str:
    return "1 worker" if workers == 1 else f"{workers} workers"

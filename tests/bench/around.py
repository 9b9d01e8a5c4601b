"""What a round cost besides the server: Postgres's CPU, and what programs that are none of ours took of the same cores."""

import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress

import psutil

from tests.bench.load import Round
from tests.bench.machine import ALL, Server, pinned, seconds_of

DISTURBED = 0.05
"""The part of one core that others may take of a round before it is dropped."""


class Cluster:
    """All processes of the Postgres that this backend belongs to."""

    def __init__(self, backend: int) -> None:
        parent = psutil.Process(backend).parent()
        if parent is None:
            raise psutil.NoSuchProcess(backend)
        self._postmaster = parent

    def cpu_seconds(self) -> float:
        """User and system time so far, of the processes that have ended, too."""
        own = self._postmaster.cpu_times()
        ended = own.children_user + own.children_system
        return own.user + own.system + ended + sum(map(seconds_of, self._postmaster.children(recursive=True)))

    @contextmanager
    def sharing(self, cores: Sequence[int]) -> Generator[None]:
        """It and this process, and what either starts meanwhile, run on these cores."""
        before = self._postmaster.cpu_affinity()
        with pinned(cores):
            try:
                self._run_on(cores)
                yield
            finally:
                self._run_on(before)

    def _run_on(self, cores: Sequence[int] | None) -> None:
        if cores:
            for each in (self._postmaster, *self._postmaster.children()):
                with suppress(psutil.NoSuchProcess):
                    each.cpu_affinity(list(cores))


def _busy_seconds() -> float:
    """How long our cores have worked for any process."""
    cores = psutil.cpu_times(percpu=True)
    return sum(each.user + each.nice + each.system for each in (cores[number] for number in ALL))


def with_costs(server: Server, cluster: Cluster, run: Callable[[], Round]) -> Round:
    """The round, with Postgres's CPU, what others used meanwhile, and the server's memory after it."""
    postgres, foreign = cluster.cpu_seconds(), foreign_seconds(server, cluster)
    round_ = run()
    return round_.__replace__(
        postgres_cpu_seconds=cluster.cpu_seconds() - postgres,
        foreign_cpu_seconds=foreign(),
        pss=server.pss(),
    )


def foreign_seconds(server: Server, cluster: Cluster) -> Callable[[], float]:
    """Returns a function that returns how many seconds of our cores others have used since this call."""

    def used() -> float:
        return _busy_seconds() - cluster.cpu_seconds() - server.cpu_seconds() - time.process_time()

    before = used()
    return lambda: max(0.0, used() - before)


Turn = Mapping[str, Round]
"""A round of each program, by its name: they ran one after the other, so within a turn the machine was much the same."""


def is_disturbed(turn: Turn) -> bool:
    return any(each.foreign_cpu_seconds > DISTURBED * each.seconds for each in turn.values())


def undisturbed(rounds: int, run: Callable[[int], Turn]) -> tuple[list[Turn], int]:
    """So many turns, and how many more were dropped. A disturbed turn is repeated, until half as many more (two at least) have run;
    then the least disturbed fill the rest.
    """
    turns: list[Turn] = []
    while len(turns) < rounds + max(2, rounds // 2) and sum(not is_disturbed(each) for each in turns) < rounds:
        turns.append(run(len(turns)))
    return sorted(turns, key=_disturbance)[:rounds], len(turns) - rounds


def _disturbance(turn: Turn) -> float:
    """Nothing, for what counts as calm."""
    return sum(each.foreign_cpu_seconds / each.seconds for each in turn.values()) * is_disturbed(turn)

"""A load that goes on whatever it is answered: requests come when they come, and a refusal counts as one.

Open loop: a latency counts from the moment at which the request was due, so it includes what the generator itself was late.
"""

import select
import socket
import time
from collections.abc import Generator, Sequence
from contextlib import ExitStack, closing, contextmanager
from itertools import cycle

from msgspec import Struct

from tests.bench.load import AGAIN, REFUSED, percentile
from tests.bench.machine import Failed, Server

CONNECTIONS = 800
"""More than requests that are under way, so that none waits here; and less than the 1,024 files that a process may open."""

PATIENCE_SECONDS = 10.0
ALIVE = b"GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
GOOD = b"HTTP/1.1 200 "


class Flood(Struct, frozen=True, kw_only=True):
    """What came of it. Latencies are in seconds, of the good answers. `wrong` are neither good nor a 503 with Retry-After."""

    seconds: float
    asked: int
    good: int
    refused: int
    wrong: int
    p50: float
    p99: float
    late: float
    """How late the load generator sent what was due while a connection was idle, at p99. The rest waited for the server."""

    @property
    def goodput(self) -> float:
        return self.good / self.seconds

    @property
    def offered(self) -> float:
        return self.asked / self.seconds


class _Connection:
    __slots__ = ("buffer", "due", "socket")

    def __init__(self, server: Server) -> None:
        self.socket = socket.create_connection(server.address, timeout=PATIENCE_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.due, self.buffer = 0.0, b""
        self.socket.sendall(
            ALIVE
        )  # the server has accepted it: the kernel's own repetitions, after 1 and 3 s, are not measured
        while self.answer() is None:
            pass

    def answer(self) -> bytes | None:
        """The whole answer, once all of it is there."""
        data = self.socket.recv(65536)
        if not data:
            raise Failed("the server closed a connection under load")
        data = self.buffer = self.buffer + data
        end = data.find(b"\r\n\r\n")
        at = data.find(b"content-length: ", 0, end) + 16
        if end < 0 or len(data) < end + 4 + int(data[at : data.index(b"\r", at)]):
            return None
        self.buffer = b""
        return data


@contextmanager
def _connected(server: Server, count: int) -> Generator[dict[int, _Connection]]:
    with ExitStack() as stack:
        made = [_Connection(server) for _ in range(count)]
        for each in made:
            stack.enter_context(closing(each.socket))
        yield {each.socket.fileno(): each for each in made}


def flood(
    server: Server, requests: Sequence[bytes], *, rate: float, seconds: float, connections: int = CONNECTIONS
) -> Flood:
    """So many requests a second, evenly, for so long; then all answers are awaited."""
    with _connected(server, connections) as known, select.epoll() as epoll:
        for number in known:
            epoll.register(number, select.EPOLLIN)
        return _flooded(epoll, known, requests, rate, seconds)


def _flooded(
    epoll: select.epoll, known: dict[int, _Connection], requests: Sequence[bytes], rate: float, seconds: float
) -> Flood:
    idle, asked, good, refused, wrong = list(known.values()), 0, 0, 0, 0
    taken, late = list[float](), list[float]()
    following, clock = cycle(requests), time.perf_counter
    begun = heard = freed = clock()
    every, wanted = 1 / rate, int(rate * seconds)
    while asked < wanted or len(idle) < len(known):
        due = begun + asked * every
        wait = max(0.0, due - clock()) if asked < wanted and idle else 0.1
        for number, _ in epoll.poll(wait):
            connection = known[number]
            answer = connection.answer()
            if answer is None:
                continue
            heard = clock()
            if not idle:
                freed = heard
            idle.append(connection)
            if answer.startswith(GOOD):
                good += 1
                taken.append(heard - connection.due)
            elif answer.startswith(REFUSED) and AGAIN in answer:
                refused += 1
            else:
                wrong += 1
        now = clock()
        if now - heard > PATIENCE_SECONDS:
            raise Failed(f"no answer for {PATIENCE_SECONDS:.0f} s")
        while asked < wanted and idle and begun + asked * every <= now:
            connection = idle.pop()
            connection.due = begun + asked * every
            late.append(now - max(connection.due, freed))
            connection.socket.sendall(next(following))
            asked += 1
    taken.sort()
    late.sort()
    return Flood(
        seconds=clock() - begun,
        asked=asked,
        good=good,
        refused=refused,
        wrong=wrong,
        p50=percentile(taken, 500) if taken else 0.0,
        p99=percentile(taken, 990) if taken else 0.0,
        late=percentile(late, 990),
    )

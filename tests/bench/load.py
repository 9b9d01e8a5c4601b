"""The load generator: sockets and an event loop of our own, bytes made beforehand, so that it takes the fewest microseconds."""

import math
import random
import select
import selectors
import socket
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing, contextmanager

from msgspec import Struct

from tests.bench.machine import Failed, Server

PATIENCE_SECONDS = 15
LEAD_SECONDS = 0.3
"""What an open loop begins with and does not count: the program has stood still before, and has to do what it would have done meanwhile."""

REFUSED, AGAIN = b"HTTP/1.1 503 ", b"\r\nretry-after: "

ONE_IN = 50
SHOWN = 500
"""So many bytes of a wrong answer."""


class Exchange:
    """Requests of one kind to one program, and what a good answer is. Every status is checked, and one body in fifty read."""

    def __init__(
        self,
        requests: Iterator[bytes],
        status: int,
        read: Callable[[bytes], object],
        *,
        keep: list[bytes] | None = None,
    ) -> None:
        self._requests = requests
        self._begins = f"HTTP/1.1 {status} ".encode()
        self._read = read
        self._keep = keep
        self._answers = 0

    def next(self) -> bytes | None:
        return next(self._requests, None)

    def took(self, head: bytes, body: bytes) -> bool:
        """Whether the answer is what was asked for, and not a refusal that may be repeated. Raises Failed when it is not a good one."""
        if not head.startswith(self._begins):
            raise Failed(f"not {self._begins.decode()}: {head.decode()}\n{body[:SHOWN].decode(errors='replace')}")
        self._answers += 1
        if self._keep is not None:
            self._keep.append(body)
        if self._answers % ONE_IN == 1:
            self._read(body)
        return True


class Patient(Exchange):
    """Takes a 503 with Retry-After, too, which a machine that has much else to do gives now and then."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def next(self) -> bytes | None:
        return self._exchange.next()

    def took(self, head: bytes, body: bytes) -> bool:
        return not (head.startswith(REFUSED) and AGAIN in head.lower()) and self._exchange.took(head, body)


class Round(Struct, frozen=True, kw_only=True):
    """What came of one round. Latencies are in seconds; that of a request that was refused is infinite."""

    requests: int
    seconds: float
    server_cpu_seconds: float
    generator_cpu_seconds: float
    p50: float
    p99: float
    p999: float
    slowest: float = 0.0
    """Of the requests that were not refused."""
    refused: int = 0
    postgres_cpu_seconds: float = 0.0
    """Of all processes of the cluster; zero where it was not asked."""
    foreign_cpu_seconds: float = 0.0
    """What programs that are none of ours took of the same cores."""
    pss: int = 0

    @property
    def rate(self) -> float:
        return self.requests / self.seconds

    @property
    def server_microseconds(self) -> float:
        return self.server_cpu_seconds / self.requests * 1e6

    @property
    def postgres_microseconds(self) -> float:
        return self.postgres_cpu_seconds / self.requests * 1e6

    @property
    def server_busy(self) -> float:
        return self.server_cpu_seconds / self.seconds


def rate_of(of: Round) -> float:
    return of.rate


def cost_of(of: Round) -> float:
    return of.server_microseconds


class _Connection:
    def __init__(self, server: Server) -> None:
        self.socket = socket.create_connection(server.address, timeout=PATIENCE_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.begun = 0.0
        self._buffer = b""

    def fileno(self) -> int:
        return self.socket.fileno()

    def close(self) -> None:
        self.socket.close()

    def send(self, request: bytes, begun: float) -> None:
        self.begun = begun
        self.socket.sendall(request)

    def receive(self) -> tuple[bytes, bytes] | None:
        """(head, body) once all of the answer is there."""
        data = self.socket.recv(65536)
        if not data:
            raise Failed("the server closed a connection in the middle of a round")
        buffer = self._buffer = self._buffer + data
        end = buffer.find(b"\r\n\r\n")
        if end < 0:
            return None
        at = buffer.index(b"ength: ", 0, end) + 7  # Content-Length, which others write with capital letters
        whole = end + 4 + int(buffer[at : buffer.index(b"\r", at)])
        if len(buffer) < whole:
            return None
        self._buffer = b""
        return buffer[:end], buffer[end + 4 : whole]


class _Measuring:
    """What is noted while a round runs."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._server_cpu = server.cpu_seconds()
        self._generator_cpu = time.process_time()
        self._begun = time.perf_counter()
        self.latencies: list[float] = []

    def round(self) -> Round:
        taken = sorted(self.latencies)
        if not taken:
            raise Failed("a round without an answer")
        answered = len(taken) - taken.count(math.inf)
        return Round(
            requests=len(taken),
            seconds=time.perf_counter() - self._begun,
            server_cpu_seconds=self._server.cpu_seconds() - self._server_cpu,
            generator_cpu_seconds=time.process_time() - self._generator_cpu,
            p50=percentile(taken, 500),
            p99=percentile(taken, 990),
            p999=percentile(taken, 999),
            slowest=taken[answered - 1] if answered else 0.0,
            refused=len(taken) - answered,
        )


def percentile(taken: list[float], of_a_thousand: int) -> float:
    """Of figures that are in order of size."""
    return taken[len(taken) * of_a_thousand // 1000]


@contextmanager
def _connected(server: Server, count: int) -> Generator[list[_Connection]]:
    with ExitStack() as stack:
        yield [stack.enter_context(closing(_Connection(server))) for _ in range(count)]


def closed_loop(server: Server, exchange: Exchange, *, seconds: float, connections: int = 16) -> Round:
    """As fast as it goes: every connection asks again as soon as it was answered. Ends early when the requests do."""
    with _connected(server, connections) as made, selectors.DefaultSelector() as selector:
        for connection in made:
            selector.register(connection, selectors.EVENT_READ, connection)
        measuring = _Measuring(server)
        clock = time.perf_counter
        until = clock() + seconds
        busy = sum(_ask(connection, exchange, clock()) for connection in made)
        while busy:
            ready = selector.select(PATIENCE_SECONDS)
            if not ready:
                raise Failed(f"no answer for {PATIENCE_SECONDS} s")
            for key, _ in ready:
                connection: _Connection = key.data
                answer = connection.receive()
                if answer is None:
                    continue
                now = clock()
                measuring.latencies.append(now - connection.begun if exchange.took(*answer) else math.inf)
                if now > until or not _ask(connection, exchange, now):
                    busy -= 1
        return measuring.round()


def _ask(connection: _Connection, exchange: Exchange, now: float) -> bool:
    request = exchange.next()
    if request is not None:
        connection.send(request, now)
    return request is not None


def open_loop(server: Server, exchange: Exchange, *, rate: float, seconds: float, connections: int = 64) -> Round:
    """Requests come when they come (a Poisson process, the same for all), however long answers take; latency counts
    from then. Ends early when the requests do.
    """
    dice = random.Random(7)
    with _connected(server, connections) as idle:
        measuring = None
        clock = time.perf_counter
        due = clock()
        counted, until = due + LEAD_SECONDS, due + LEAD_SECONDS + seconds
        busy: list[_Connection] = []
        while due < until or busy:
            wait = due - clock() if due < until and idle else PATIENCE_SECONDS
            for connection in select.select(busy, (), (), wait)[0] if wait > 0 else ():
                answer = connection.receive()
                if answer is None:
                    continue
                waited = clock() - connection.begun
                latency = waited if exchange.took(*answer) else math.inf
                if measuring is not None:
                    measuring.latencies.append(latency)
                busy.remove(connection)
                idle.append(connection)
            if measuring is None and due >= counted:
                measuring = _Measuring(server)
            while idle and due < until and due <= clock():
                if not _ask(idle[-1], exchange, due):
                    until = due
                    break
                busy.append(idle.pop())
                due += dice.expovariate(rate)
        return _Measuring(server).round() if measuring is None else measuring.round()

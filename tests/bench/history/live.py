"""The live stream: how long after its commit an event arrives at a reader."""

import http.client
import socket
import threading
import time
from contextlib import suppress

from events.log import Append, Appended, Log
from events.refusal import AuthorizationRefused
from service.clock import utc_now
from service.crypto.credentials import new_id
from tests.bench.history.asking import Asker
from tests.bench.history.figures import Group, milliseconds
from tests.bench.history.samples import Samples
from tests.bench.machine import Failed
from tests.bench.peers import META

STREAM = "/api/v1/audit/stream"
REPEATED = 30
PATIENCE_SECONDS = 30


class _Reader(threading.Thread):
    """Notes when each event arrived."""

    def __init__(self, asker: Asker) -> None:
        super().__init__(daemon=True)
        self._connection = http.client.HTTPConnection(*asker.peer.server.address, timeout=PATIENCE_SECONDS)
        headers = {"Authorization": f"Bearer {asker.peer.bearer}", "Accept": "text/event-stream"}
        self._connection.request("GET", STREAM, headers=headers)
        self._socket = self._connection.sock  # the connection forgets it when the response is the last one
        self._response = self._connection.getresponse()
        if self._response.status != 200:
            raise Failed(f"GET {STREAM}: {self._response.status}")
        self.arrived: dict[int, float] = {}
        self.came = threading.Event()

    def run(self) -> None:
        with suppress(http.client.IncompleteRead):  # that is how `close` ends it
            for line in self._response:
                if line.startswith(b"id: "):
                    self.arrived[int(line[4:])] = time.perf_counter()
                    self.came.set()

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self.join()
        self._response.close()
        self._connection.close()

    def await_position(self, position: int) -> float:
        """Returns when the event arrived. Raises Failed."""
        until = time.monotonic() + PATIENCE_SECONDS
        while position not in self.arrived:
            self.came.clear()
            if position not in self.arrived and not self.came.wait(until - time.monotonic()):
                raise Failed(f"the event at position {position} did not arrive")
        return self.arrived[position]


async def measure(asker: Asker, samples: Samples, url: str) -> Group:
    reader, log = _Reader(asker), Log(url)
    reader.start()
    taken: list[float] = []
    try:
        for _ in range(REPEATED):
            event = AuthorizationRefused(client_id=samples.busy_client, why="bench", at=utc_now())
            outcome = await log.append(Append(stream=new_id(), expected=0, events=(event,), meta=META))
            committed = time.perf_counter()
            if not isinstance(outcome, Appended):
                raise Failed(f"an append came to {outcome}")
            taken.append(max(reader.await_position(outcome.position) - committed, 0.0))
    finally:
        reader.close()
        await log.close()
    return Group(title="The live stream", figures=[milliseconds("from the end of the commit to the reader", taken)])

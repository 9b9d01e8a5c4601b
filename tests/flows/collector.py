"""A collector of OpenTelemetry: it takes what is sent by OTLP over HTTP, and decodes it by the protocol's own messages."""

import socket
import threading
from collections.abc import Generator, Iterable
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from msgspec import Struct, field
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.patience import until


class Collector(Struct):
    """What arrived. The end of a request's own span is the last that is known of it, so a trace with a root is whole."""

    url: str = ""
    spans: list[Span] = field(default_factory=list[Span])
    resource: dict[str, str | int] = field(default_factory=dict[str, str | int])
    processes: set[str | int] = field(default_factory=set[str | int])
    bodies: list[bytes] = field(default_factory=list[bytes])
    status: int = 200

    def take(self, body: bytes) -> None:
        self.bodies.append(body)
        for of_resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            self.resource = _values(of_resource.resource.attributes)
            self.processes.add(self.resource["process.pid"])
            for scope in of_resource.scope_spans:
                self.spans += scope.spans

    async def trace(self, trace_id: str) -> tuple[Span, list[Span]]:
        """The span of the request, and those of its steps in the order in which they began."""

        async def whole() -> Span | None:
            return next(
                (each for each in self.spans if each.trace_id.hex() == trace_id and each.kind == Span.SPAN_KIND_SERVER),
                None,
            )

        root = await until(whole)
        steps = [each for each in self.spans if each.parent_span_id == root.span_id]
        return root, sorted(steps, key=lambda each: each.start_time_unix_nano)


def attributes(span: Span) -> dict[str, str | int]:
    return _values(span.attributes)


def _values(attributes: Iterable[KeyValue]) -> dict[str, str | int]:
    return {each.key: each.value.string_value or each.value.int_value for each in attributes}


@contextmanager
def collecting() -> Generator[Collector]:
    """It answers from threads of its own: the end of the service waits for it in the test's thread."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/traces"
            collector.take(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(collector.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the base class
            """It says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        collector.url = f"http://127.0.0.1:{server.server_address[1]}"
        serving = threading.Thread(target=server.serve_forever, daemon=True)
        serving.start()
        yield collector
        server.shutdown()
        serving.join()


class Held(Struct):
    """The connections that a listener holds, and how much of an endless answer was taken from it."""

    url: str
    connections: list[socket.socket] = field(default_factory=list[socket.socket])
    taken: int = 0


@contextmanager
def hanging(answer: bytes = b"") -> Generator[Held]:
    """A listener that accepts each connection, sends this and then a body without an end, or nothing at all."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def accept() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                held.connections.append(connection)
                if answer:
                    threading.Thread(target=_drown, args=(held, connection, answer), daemon=True).start()

        held = Held(f"http://127.0.0.1:{listening.getsockname()[1]}")
        accepting = threading.Thread(target=accept, daemon=True)
        accepting.start()
        yield held
        listening.shutdown(socket.SHUT_RDWR)
        accepting.join()  # what it accepted until then is closed, too
        for connection in held.connections:
            with closing(connection):
                pass


def _drown(held: Held, connection: socket.socket, answer: bytes) -> None:
    try:
        connection.recv(65_536)
        connection.sendall(answer)
        while True:
            held.taken += connection.send(b"x" * 65_536)
    except OSError:
        return

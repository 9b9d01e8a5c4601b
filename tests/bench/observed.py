"""What observation costs: tokens of a service that nobody observes, beside services with traces, metrics or an access log, round by round."""

import statistics
import sys
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from rich.table import Table

from tests.bench.figures import Figures, table
from tests.bench.load import Round, closed_loop, cost_of, rate_of
from tests.bench.machine import OTHERS, await_listening, environment, free_port, started
from tests.bench.pace import Pace
from tests.bench.peers import Peer, service

PLAIN = "plain"
WAYS: Mapping[str, Mapping[str, str]] = {
    PLAIN: {"OTEL_SDK_DISABLED": "true"},
    "plain_again": {"OTEL_SDK_DISABLED": "true"},
    "traced": {},
    "traced_1_percent": {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.01"},
    "traced_all": {"OTEL_TRACES_SAMPLER": "always_on"},
    "metrics": {"OTEL_SDK_DISABLED": "true", "MUNIMENT_METRICS_ADDRESS": f"127.0.0.1:{free_port()}"},
    "access_log": {"OTEL_SDK_DISABLED": "true", "MUNIMENT_ACCESS_LOG": "on"},
}
"""The difference between the two plain ones is what chance makes of no difference."""

WARM_SECONDS = 0.5


class Observed(Figures, frozen=True):
    """The rounds of each way. Those of one number ran one after the other."""

    rounds: dict[str, list[Round]]
    pss: dict[str, int]
    """Bytes of memory of each service after its rounds."""

    @property
    def unobserved(self) -> list[Round]:
        return self.rounds[PLAIN]

    def tables(self) -> Iterable[Table]:
        """The CPU is the figure to go by: the rate also depends on what the other core does."""
        title = "Tokens of one process on one core, observed in several ways; medians"
        made = table(title, "", "a second", "CPU µs", "more CPU", "PSS")
        for name, rounds in self.rounds.items():
            more = [cost_of(each) / cost_of(plain) - 1 for each, plain in zip(rounds, self.unobserved, strict=True)]
            rate, cost = statistics.median(map(rate_of, rounds)), statistics.median(map(cost_of, rounds))
            made.add_row(
                name, f"{rate:,.0f}", f"{cost:.1f}", f"{statistics.median(more):+.1%}", f"{self.pss[name] / 1e6:.0f} MB"
            )
        yield made


def measure(databases: Mapping[str, str], directory: Path, pace: Pace, say: Callable[[str], None]) -> Observed:
    say("tokens, observed in several ways")
    with _collector(directory) as endpoint, ExitStack() as stack:
        more = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}
        peers = [
            stack.enter_context(service(url, directory, name=name, more={**more, **WAYS[name]}))
            for name, url in databases.items()
        ]
        for peer in peers:
            _flat_out(peer, WARM_SECONDS)
        rounds = {peer.name: list[Round]() for peer in peers}
        for number in range(pace.rounds):
            # Each begins as often as any other, so that a drift of the machine favours none.
            first = number % len(peers)
            for peer in (*peers[first:], *peers[:first]):
                rounds[peer.name].append(_flat_out(peer, pace.seconds))
        return Observed(rounds, {peer.name: peer.server.pss() for peer in peers})


def _flat_out(peer: Peer, seconds: float) -> Round:
    return closed_loop(peer.server, peer.tokens(), seconds=seconds)


@contextmanager
def _collector(directory: Path) -> Generator[str]:
    """The URL of a collector, which reads what it is sent and forgets it."""
    port, log = free_port(), directory / "collector.log"
    command = [sys.executable, "-m", "tests.bench.observed", str(port)]
    with started(command, environment(), port, log=log, cores=OTHERS) as server:
        await_listening(server, log)
        yield f"http://127.0.0.1:{port}"


class _Sink(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the base class
        """It says nothing."""


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), _Sink).serve_forever()

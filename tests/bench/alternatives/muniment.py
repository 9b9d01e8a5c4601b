"""Muniment itself, as `make bench` measures it."""

from collections.abc import Generator
from contextlib import contextmanager

from tests.bench.alternatives.asking import INTROSPECTIONS, REGISTRATIONS, TOKENS, Alternative
from tests.bench.alternatives.site import Site
from tests.bench.load import closed_loop
from tests.bench.machine import free_port
from tests.bench.peers import service


@contextmanager
def ours(site: Site) -> Generator[Alternative]:
    metrics = {"MUNIMENT_METRICS_ADDRESS": f"127.0.0.1:{free_port()}"}
    with service(site.url, site.directory, name="Muniment", more=metrics) as peer:
        closed_loop(peer.server, peer.tokens(), seconds=1)  # whose introspections are asked
        yield Alternative(
            name=peer.name,
            server=peer.server,
            settings=(
                "ES256 JWT",
                "each token recorded durably",
                "rate limits counted, never reached",
                "metrics shown",
            ),
            questions={
                TOKENS: peer.tokens,
                REGISTRATIONS: peer.registrations,
                INTROSPECTIONS: peer.introspections,
            },
            keys="/openid/jwks",
            warm_seconds=1.0,
        )

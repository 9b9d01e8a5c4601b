"""On which addresses the service answers, and what is said of one that it cannot have."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest

from service.cli.listening import listening, listening_for_metrics, urls
from service.cli.opening import Plainly
from service.configuration.settings import Settings, read_settings


@pytest.fixture
def settings() -> Settings:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return read_settings({}).__replace__(port=free.getsockname()[1])


@pytest.fixture
def closing() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def _has_ipv6() -> bool:
    with suppress(OSError), socket.create_server(("::1", 0), family=socket.AF_INET6):
        return True
    return False


@pytest.mark.parametrize(
    ("hosts", "answered"),
    [
        (("127.0.0.1",), ["127.0.0.1"]),
        (("127.0.0.1", "::1"), ["127.0.0.1", "[::1]"]),
        (("::",), ["[::]", "0.0.0.0"]),
        (("::", "0.0.0.0"), ["[::]", "0.0.0.0"]),
    ],
    ids=",".join,
)
def test_every_address_is_answered_on_and_all_of_ipv6_is_all_of_ipv4_too(
    settings: Settings, closing: ExitStack, hosts: tuple[str, ...], answered: list[str]
):
    if "::" in "".join(hosts) and not _has_ipv6():
        pytest.skip("this machine has no IPv6")
    sockets = [closing.enter_context(each) for each in listening(settings.__replace__(hosts=hosts))]
    assert urls(sockets) == [f"http://{host}:{settings.port}" for host in answered]
    for each in sockets:
        each.listen()
        closing.enter_context(socket.create_connection(each.getsockname()[:2]))


@pytest.mark.parametrize("host", ["127.0.0.1", "192.0.2.1"], ids=["taken", "not this machine's"])
def test_an_address_that_cannot_be_had_is_refused_by_name(settings: Settings, closing: ExitStack, host: str):
    closing.enter_context(socket.create_server(("127.0.0.1", settings.port)))
    with pytest.raises(Plainly, match=f"cannot answer on {host}, port {settings.port}: .*PORT=8001 make serve"):
        listening(settings.__replace__(hosts=(host,)))


def test_the_metrics_have_an_address_of_their_own_or_none(settings: Settings, closing: ExitStack):
    assert listening_for_metrics(settings) == []
    shown = settings.__replace__(metrics_address=("127.0.0.1", settings.port))
    [taken] = [closing.enter_context(each) for each in listening_for_metrics(shown)]
    assert taken.getsockname() == ("127.0.0.1", settings.port)
    taken.listen()
    with pytest.raises(Plainly, match=r"cannot answer on .*MUNIMENT_METRICS_ADDRESS=127.0.0.1:9465"):
        listening_for_metrics(shown)

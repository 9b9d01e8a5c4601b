"""What the benchmark asks for is answered, on so little of it that it says nothing about speed."""

import asyncio
from pathlib import Path

from rich.console import Console

from tests.bench.flood import flood
from tests.bench.history import measuring
from tests.bench.history.deployment import Size
from tests.bench.peers import service, token_request
from tests.conftest import fresh_database

TINY = Size(events=1000, tokens=500, seconds=0)
MAY_BE_ZERO = {"grown by", "from the end of the commit to the reader"}
"""The memory may not grow, and an event may be with the reader before the writer knows that it is committed."""


def test_each_question_of_an_auditor_is_measured(postgres: str, place: Path):
    url = asyncio.run(fresh_database(postgres))
    groups = dict(measuring.measure(url, place, TINY, lambda _: None))
    assert list(groups) == [
        *("written", "rebuilt", "followed", "inline", "past", "events", "tokens", "proofs", "consequences", "live"),
        *("memory", "exports", "revocation"),
    ]
    for group in groups.values():
        assert [figure.what for figure in group.figures if figure.median <= 0 and figure.what not in MAY_BE_ZERO] == []
        Console(quiet=True).print(*group.tables())


def test_each_request_of_a_flood_is_answered_by_a_token_or_by_a_503_with_retry_after(postgres: str, place: Path):
    url = asyncio.run(fresh_database(postgres))
    with service(url, place, clients=2) as peer:
        requests = [token_request(*each, scope="api:public") for each in peer.credentials]
        found = flood(peer.server, requests, rate=20_000, seconds=0.2, connections=400)
    assert found.wrong == 0
    assert found.good > 0
    assert found.good + found.refused == found.asked == 4000

"""The bench of an auditor's questions runs to its end, on a history so small that it says nothing about speed."""

import asyncio
from pathlib import Path

from rich.console import Console

from tests.bench.history import measuring
from tests.bench.history.deployment import Size
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

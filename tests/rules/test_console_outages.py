"""What the console says when the database is away, and when there is too much to do."""

from types import SimpleNamespace
from typing import Any

import pytest

from events.database import NotReached, Overloaded, Unavailable
from service.console import errors
from service.outages import Outages


@pytest.mark.parametrize(
    ("fault", "title"),
    [
        (Unavailable("away"), "Temporarily unavailable"),
        (NotReached("the log has not reached position 7"), "Temporarily unavailable"),
        (Overloaded("reads"), "Too much to do"),
    ],
    ids=["away", "not reached", "overloaded"],
)
def test_a_page_that_must_wait_says_what_for_and_to_try_again(fault: Unavailable, title: str):
    visit: Any = SimpleNamespace(resources=SimpleNamespace(outages=Outages()))
    told = errors._told(visit, fault)
    assert (told.status, told.title, told.again, told.headers) == (503, title, True, {"Retry-After": "1"})

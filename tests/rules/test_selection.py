"""Which events are told when places, times, types and actors are given, and how they look to a spreadsheet."""

import csv
import io
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from events.codec import Event, Recorded, encode, type_of
from events.envelope import Actor, ByClient, ByOperator, ByService, ByUser, Meta
from service.cli import spreadsheet
from service.cli.opening import Plainly
from service.cli.selection import selection
from tests.rules.samples import BOT_DISABLED, DISABLED, REGISTERED, RENAMED, STREAM

NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)
ALICE, OPERATOR, SERVICE = (
    ByClient(client_id="oauth_client_1", sub="alice"),
    ByOperator(user="root"),
    ByService(why="x"),
)
ADA = ByUser(user_id=UUID(int=1), session=UUID(int=2))


def past(*, position: int = 5, at: datetime = NOON, event: Event = DISABLED, actor: Actor = SERVICE) -> Recorded:
    meta = encode(Meta(actor=actor, request_id="r", address="192.0.2.1"))
    return Recorded(
        position=position,
        recorded_at=at,
        stream_id=STREAM,
        version=1,
        type=type_of(event),
        event=event,
        meta_bytes=meta,
    )


def chosen(of: Recorded, **options: Any) -> bool:
    given = {"since": None, "until": None, "types": None, "actors": None, **options}
    return selection(**given).wants(of)


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        pytest.param({}, True, id="nothing given is everything"),
        pytest.param({"since": "5"}, True, id="since its own position"),
        pytest.param({"since": "6"}, False, id="since a later one"),
        pytest.param({"until": "5"}, True, id="until its own"),
        pytest.param({"until": "4"}, False, id="until an earlier one"),
        pytest.param({"since": "2026-03-03"}, True, id="a day begins with its first moment"),
        pytest.param({"until": "2026-03-03"}, True, id="and ends with its last"),
        pytest.param({"until": "2026-03-02"}, False, id="the day before is over"),
        pytest.param({"since": "2026-03-03T12:00"}, True, id="a time is UTC"),
        pytest.param({"since": "2026-03-03T12:00:00.000001Z"}, False, id="to the microsecond"),
        pytest.param({"since": "2026-03-03T13:00+01:00"}, True, id="unless it says another offset"),
        pytest.param({"since": "2026-03-03T12:00-01:00"}, False, id="which is later further west"),
        pytest.param({"since": "1", "until": "2026-03-04"}, True, id="one of each"),
        pytest.param({"types": ["client.disabled"]}, True, id="a type"),
        pytest.param({"types": ["client"]}, True, id="all types of a thing"),
        pytest.param({"types": ["bot", "client.enabled"]}, False, id="other types"),
        pytest.param({"types": ["client"], "actors": ["alice"]}, False, id="every condition must hold"),
    ],
)
def test_an_event_is_chosen_by(options: dict[str, Any], wanted: bool):
    assert chosen(past(), **options) is wanted


@pytest.mark.parametrize(
    ("actor", "called"),
    [
        (ALICE, ["alice", "oauth_client_1"]),
        (ADA, [str(UUID(int=1)), str(UUID(int=2))]),
        (OPERATOR, ["root"]),
        (SERVICE, ["muniment"]),
    ],
)
def test_an_actor_is_asked_for_by_any_of_its_ids(actor: Actor, called: list[str]):
    assert all(chosen(past(actor=actor), actors=["somebody", name]) for name in called)
    assert not chosen(past(actor=actor), actors=["somebody"])


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"since": "yesterday"}, "--since yesterday is neither a position nor a time such as"),
        ({"until": "2026-02-30"}, "--until 2026-02-30 is neither"),
        ({"since": "0"}, "--since 0 is neither"),
        ({"since": "9" * 5000}, "is neither"),
        ({"since": "٣"}, "is neither"),
        ({"since": "30y"}, "is neither"),
        ({"since": "6", "until": "5"}, "--since 6 is after --until 5"),
        ({"since": "1h", "until": "2h"}, "--since 1h is after --until 2h"),
        ({"since": "2026-03-04", "until": "2026-03-03"}, "is after"),
        (
            {"types": ["client.exploded"]},
            "There is no type client.exploded. The families are access_token, api, audit, authorization, bot",
        ),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(options: dict[str, Any], sentence: str):
    with pytest.raises(Plainly, match=sentence):
        chosen(past(), **options)


def rows(*events: Recorded) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(spreadsheet.header() + "".join(map(spreadsheet.row, events)))))


def test_a_row_of_csv_tells_what_happened_to_whom_by_whom_and_in_a_sentence():
    (row,) = rows(past(event=RENAMED, actor=ALICE))
    assert row["position"] == "5"
    assert row["recorded_at"] == "2026-03-03 12:00:00.000000Z"
    assert (row["type"], row["by"], row["actor"]) == (
        "client.display_name_changed",
        "client",
        "alice (by oauth_client_1)",
    )
    assert row["told"].startswith("name changed from")
    assert row["event"].startswith('{"')


def test_a_spreadsheet_computes_nothing_that_a_stranger_wrote():
    for sub in ("=HYPERLINK(1)", "+1", "-1", "@SUM(1)"):
        (row,) = rows(past(actor=ByClient(client_id="c", sub=sub)))
        assert row["actor"] == f"'{sub} (by c)"
    told = rows(past(event=REGISTERED, actor=ByClient(client_id="c", sub='a"\n\x9b,\r\n=1')), past(event=BOT_DISABLED))
    assert [row["actor"] for row in told] == ['a"\\n\\x9b,\\r\\n=1 (by c)', "Muniment (x)"]

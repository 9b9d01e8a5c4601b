"""Reads of a minute: the first of each query is recorded, the others are added up, and nothing is left out."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from events.audit_read import AuditRead
from events.envelope import ByClient, Meta
from service.audit.read_counts import MINUTE, MOST_OF_ALL, MOST_QUERIES, Read, ReadCounts
from service.grants.audited_reads import audit_read, filters_of, members
from service.grants.closed_values import is_closed
from service.openapi.document import document

AT = datetime(2026, 3, 3, 14, 2, tzinfo=UTC)
LATER = AT + 2 * MINUTE
EVENTS = "/api/v1/audit/events"
LOGIN = {"prompt", "response_type", "response_mode", "code_challenge_method", "max_age", "display"}
"""The parameters of an authorization request, which is no read."""


def read(*filters: str, found: int | None = 1, **changes: Any) -> Read:
    meta = Meta(actor=ByClient(client_id=changes.pop("client", "c"), sub="s"), request_id="r", address="192.0.2.1")
    usual = Read(path=EVENTS, template=EVENTS, filters=filters, found=found, meta=meta, at=AT)
    return usual.__replace__(**changes)


def sums(counts: ReadCounts) -> list[AuditRead]:
    return [each.event(query) for query, each in counts.take(LATER).items()]


def test_each_query_is_recorded_once_and_no_query_hides_behind_another():
    counts = ReadCounts()
    assert [counts.count(read(*filters)) for filters in (("limit=1",), ("user=u",), ("limit=1000",))] == [True] * 3
    assert [counts.count(read("limit=1000", found=1000)) for _ in range(2)] == [False] * 2
    (only,) = sums(counts)
    assert (only.filters, only.reads, only.found, only.since, only.various) == (("limit=1000",), 2, 2000, AT, False)
    assert counts.count(read("user=u")), "a new minute begins"


def test_pages_and_tiles_are_one_query_and_other_addresses_and_callers_are_others():
    counts = ReadCounts()
    assert counts.count(read("type=client"))
    assert not counts.count(read("type=client", "cursor=7"))
    elsewhere = Meta(actor=ByClient(client_id="c", sub="s"), request_id="r", address="192.0.2.2")
    assert counts.count(read("type=client", meta=elsewhere))
    assert counts.count(read("type=client", client="d"))
    tile = "/log/tile/{tile:path}"
    assert counts.count(read(path="/log/tile/entries/000", template=tile, found=256))
    assert not counts.count(read(path="/log/tile/entries/001", template=tile, found=256))
    assert [(each.path, each.reads, each.found) for each in sums(counts)] == [(EVENTS, 1, 1), (tile, 1, 256)]


def test_beyond_the_limits_reads_are_added_up_by_path_whatever_their_filters_are():
    counts = ReadCounts()
    asked = [counts.count(read(f"as_of=position:{n}", found=2)) for n in range(150)]
    assert sum(asked) == MOST_QUERIES
    assert not counts.count(read("id=x", path="/a/1", template="/a/{id}"))
    first, other = sums(counts)
    assert (first.path, first.filters, first.various) == (EVENTS, (), True)
    assert (first.reads, first.found) == (150 - MOST_QUERIES, 2 * (150 - MOST_QUERIES))
    assert (other.path, other.reads) == ("/a/{id}", 1)


def test_many_callers_have_a_limit_together():
    counts = ReadCounts()
    assert sum(counts.count(read(f"x={n}", client=str(n))) for n in range(MOST_OF_ALL + 5)) == MOST_OF_ALL
    assert len(counts.take(LATER)) == 5


def test_the_rows_of_a_stream_are_recorded_when_it_ends():
    counts = ReadCounts()
    assert counts.count(read("client=c", found=None))
    counts.end(read("client=c", found=7))
    (only,) = sums(counts)
    assert (only.reads, only.found) == (0, 7)


def test_a_read_that_was_not_recorded_was_not_made_and_a_sum_that_was_not_recorded_is_kept():
    counts = ReadCounts()
    for _ in range(MOST_QUERIES + 1):
        assert counts.count(read())
        counts.forget(read())
    assert counts.count(read())
    assert not counts.count(read())
    assert counts.take(AT - timedelta(seconds=1)) == {}
    kept = counts.take(LATER)
    assert counts.count(read(at=LATER))
    assert not counts.count(read(at=LATER))
    counts.put_back(kept)
    (only,) = sums(counts)
    assert (only.reads, only.found, only.since) == (2, 2, AT)


def test_a_read_names_what_was_asked_for_and_says_the_values_that_have_a_closed_form():
    user = "01a21ee8-cdf9-77e7-84d8-304328464b10"
    closed = [
        *(("user", user), ("client", f"oauth_client_{'0' * 32}"), ("bot", f"bot_{'1' * 32}"), ("id", f"actor:{user}")),
        *(("type", "client,user.registered"), ("state", "active"), ("limit", "50"), ("cursor", "before-17")),
        *(("since", "position:3"), ("until", "2026-03-03"), ("as_of", "2026-03-03T14:02:00.5+01:00")),
        *(
            ("id", f'"{user}"'),
            ("dryRun", "true"),
            ("maxTokenLifetime", "60"),
            ("asOf", "null"),
            ("scope", "users:read"),
        ),
    ]
    assert filters_of(closed) == tuple(f"{name}={value}" for name, value in closed)


@given(st.sampled_from(["actor", "address", "client", "cursor", "id", "limit", "q", "scope", "since"]), st.text())
def test_any_other_value_is_not_recorded_in_clear(name: str, text: str):
    assume(not is_closed(name, text))
    assert filters_of([(name, text)]) == (name,)


@pytest.mark.parametrize(
    "text",
    [
        *("olivia@example.com", "Olivia", "4915112345678", "192.0.2.9", "a\x1b", "", "client,Olivia", '["Olivia"]'),
        *(f"secret_{'x' * 43}", f"position:secret_{'x' * 43}", "2026-03-03\n", f"{'ab' * 16}"),
        "f0a5cd77-4b0c-4ad4-9ce2-6f0e3a1d6d3e",
    ],
)
def test_what_may_be_a_secret_or_a_person_has_no_closed_form(text: str):
    assert filters_of([("actor", text), ("x" * 90, text)]) == ("actor", "x" * 40)


def test_each_choice_that_the_api_reference_names_has_a_closed_form():
    operations = [each["get"] for each in document("https://op.example")["paths"].values() if "get" in each]
    parameters = [each for operation in operations for each in operation.get("parameters", ()) if each["in"] == "query"]
    managed = [each for each in parameters if each["name"] not in LOGIN]
    choices = {(each["name"], value) for each in managed for value in each["schema"].get("enum", ())}
    numbers = {(each["name"], "7") for each in managed if each["schema"].get("type") == "integer"}
    assert {("order", "newest"), ("limit", "7")} <= choices | numbers
    assert [each for each in choices | numbers if not is_closed(*each)] == []


def test_a_read_has_no_path_of_any_length_and_a_body_names_its_members():
    assert len(audit_read("/p" * 400, "/p", (), 3, read().meta).path) == 300
    assert members(b'{"id": "x", "dryRun": true}') == {"id": '"x"', "dryRun": "true"}
    assert [members(body) for body in (b"", b"[1]", b'{"a": "\xff"}', b"\xff")] == [{}] * 4

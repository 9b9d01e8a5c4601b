"""Moments that people type: what each text means, as the API takes it."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.endpoints.moments import moment_of
from service.values import typed_moments
from service.values.typed_moments import Future, NoMoment

NOON = datetime(2026, 11, 27, 12, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        pytest.param("2026-11-26", "2026-11-26T00:00:00.000000Z", "2026-11-26T23:59:59.999999Z", id="a day is whole"),
        pytest.param("2026-11-27", "2026-11-27T00:00:00.000000Z", None, id="today lasts until now"),
        pytest.param("2026-11-27 09:30", "2026-11-27T09:30:00.000000Z", "2026-11-27T09:30:59.999999Z", id="a minute is whole"),
        pytest.param("2026-11-27T09:30", "2026-11-27T09:30:00.000000Z", "2026-11-27T09:30:59.999999Z", id="as a date picker has it"),
        pytest.param("2026-11-27 09:30:40", "2026-11-27T09:30:40.000000Z", "2026-11-27T09:30:40.999999Z", id="a second is whole"),
        pytest.param("2026-11-27T09:30:40.25Z", "2026-11-27T09:30:40.250000Z", "2026-11-27T09:30:40.250000Z", id="RFC 3339"),
        pytest.param("2026-11-27 09:30 UTC", "2026-11-27T09:30:00.000000Z", "2026-11-27T09:30:59.999999Z", id="UTC, said"),
        pytest.param("2026-11-27 11:30+02:00", "2026-11-27T09:30:00.000000Z", "2026-11-27T09:30:59.999999Z", id="another zone"),
        pytest.param("09:30", "2026-11-27T09:30:00.000000Z", "2026-11-27T09:30:59.999999Z", id="a time alone is today's"),
        pytest.param("2026-11-27 12:00", "2026-11-27T12:00:00.000000Z", None, id="this minute lasts until now"),
        pytest.param(" Now ", "2026-11-27T12:00:30.000000Z", None, id="now"),
        pytest.param("position:17", "position:17", "position:17", id="a position"),
        pytest.param("Position: 17", "position:17", "position:17", id="a position as people write it"),
    ],
)  # fmt: skip
def test_what_is_typed_is_whole(text: str, first: str, last: str | None):
    assert typed_moments.since(text, NOON) == first
    assert typed_moments.until(text, NOON) == last
    assert typed_moments.at(text, NOON) == last


@pytest.mark.parametrize("text", ["2026-11-28", "2026-11-27 12:01", "23:00", "9999-12-31"])
def test_what_has_not_come_is_until_now_and_no_beginning(text: str):
    assert typed_moments.until(text, NOON) is None
    for of in (typed_moments.since, typed_moments.at):
        with pytest.raises(Future):
            of(text, NOON)


@pytest.mark.parametrize(
    "text",
    ["", " ", "last Tuesday", "2026-02-30", "2026-11-27 25:00", "2026-11-27 9:30", "position:", "position:-1", "17", "position:" + "1" * 19,
     "9999-12-31 23:59-23:59", "2026-11-27 09:30+99:00", "2026-11-27T", "20261127"],
)  # fmt: skip
def test_what_is_no_moment_is_refused(text: str):
    for of in (typed_moments.since, typed_moments.until, typed_moments.at):
        with pytest.raises(NoMoment):
            of(text, NOON)


@given(st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(2026, 11, 26)))  # noqa: DTZ001
def test_the_api_reads_what_is_sent_as_that_moment(moment: datetime):
    sent = typed_moments.at(moment.isoformat(sep=" ", timespec="microseconds"), NOON)
    assert sent is not None
    assert moment_of(sent) == moment.replace(tzinfo=UTC)

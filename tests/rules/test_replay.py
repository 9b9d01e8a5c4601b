"""Stored rows read back as events."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from events.codec import encode
from events.replay import read_in_bulk
from tests.rules.samples import PERSON, REGISTERED

EPOCH, MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
TIMES = st.datetimes(datetime(2000, 1, 1), datetime(2242, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - they get the zone


@given(TIMES)
def test_a_time_in_seconds_has_each_microsecond(at: datetime):
    seconds = (at - EPOCH) // MICROSECOND / 1e6
    row = (1, seconds, PERSON, 1, 1, "client.registered", b"{}", encode(REGISTERED))
    (read,) = read_in_bulk([row])
    assert read.recorded_at == at

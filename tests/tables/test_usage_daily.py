"""The daily usage of clients, and the number of tokens that were issued between moments."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from events import issued_counts
from events.issuance import NO_SECRET, Issue, TokenIssued
from projections import usage_daily
from projections.engine import follow
from projections.engine.checkpoints import install
from projections.usage_daily import use_of
from service.crypto.credentials import new_id
from tests.tables.test_projections import agreed

texts = st.none() | st.text(st.sampled_from("=\0a "), max_size=4)


async def test_each_use_of_a_client_on_a_day_is_counted_in_a_row_of_its_own(database, tokens, reader):
    client, secret, grant = new_id(), new_id(), new_id()
    as_bot = TokenIssued(sub="bot", scope="crm:read crm:write", kid="k", exp=1)
    by_user = as_bot.__replace__(sub=str(new_id()), authorization=grant)
    issued = (as_bot, as_bot, as_bot.__replace__(scope="crm:read"), by_user, by_user.__replace__(sub=str(new_id())))
    for token in (*issued, as_bot.__replace__(audience="https://api.example.com")):
        await tokens.record(Issue(client=client, secret=secret, jti=new_id(), token=token))
    await install(reader, usage_daily.PROJECTION)
    while await follow.step(reader, usage_daily.PROJECTION):
        pass
    rows = await reader.fetch(
        "select bot, audience, scope, sum(tokens) from read.usage_daily where client = $1 group by 1, 2, 3", client
    )
    assert {tuple(row) for row in rows} == {
        ("bot", None, "crm:read crm:write", 2),
        ("bot", None, "crm:read", 1),
        ("bot", "https://api.example.com", "crm:read crm:write", 1),
        (None, None, "crm:read crm:write", 2),
    }
    times = [row[0] for row in await reader.fetch("select issued_at from log.issuance order by position")]
    day, last_day = times[0].date(), times[-1].date()  # midnight may be between them
    whole = await usage_daily.of_client(reader, client, day, last_day, by=None, limit=10)
    assert (sum(each.tokens for each in whole), whole[0].first_at, whole[-1].last_at) == (6, times[0], times[-1])
    by_scope: Counter[str | None] = Counter()
    for each in await usage_daily.of_client(reader, client, day, last_day, by="scope", limit=10):
        by_scope[each.of] += each.tokens
    assert by_scope == {"crm:read": 1, "crm:read crm:write": 5}
    assert (
        await usage_daily.of_client(reader, client, day - timedelta(days=2), day - timedelta(days=1), by=None, limit=10)
        == []
    )
    await agreed(database, "usage_daily")


async def test_a_public_client_has_no_secret_and_a_name_is_an_audience_once_there_are_tokens_for_it(tokens, reader):
    client, audience = new_id(), "https://api.example.com"
    token = TokenIssued(sub=str(new_id()), scope="crm:read", kid="k", exp=1, authorization=new_id(), audience=audience)
    await tokens.record(Issue(client=client, secret=NO_SECRET, jti=new_id(), token=token))
    await install(reader, usage_daily.PROJECTION)
    while await follow.step(reader, usage_daily.PROJECTION):
        pass
    (used,) = await usage_daily.of_client(reader, client, date.min, date.max, by="secret", limit=10)
    assert (used.of, used.tokens) == (None, 1)
    assert await usage_daily.audiences(reader, ["crm", audience, "https://other.example.com"]) == {audience}


@given(st.lists(st.tuples(texts, texts, texts), min_size=2, max_size=2, unique=True))
def test_two_uses_are_never_taken_for_one(uses):
    one, other = uses
    assert use_of(new_id(), *one) != use_of(new_id(), *one)
    secret = new_id()
    assert use_of(secret, *one) != use_of(secret, *other)


async def test_the_tokens_between_moments_are_counted_exactly(tokens, reader, superuser):
    assert await issued_counts.between(reader, [datetime.now(UTC)]) == []
    assert await issued_counts.between(reader, [datetime(2020, 1, 1, tzinfo=UTC), datetime.now(UTC)]) == [0]
    token = TokenIssued(sub="bot", scope="a", kid="k", exp=1)
    for _ in range(7):
        await tokens.record(Issue(client=new_id(), secret=new_id(), jti=new_id(), token=token))
    times = [row[0] for row in await reader.fetch("select recorded_at from log.issuance_batches order by 1 offset 1")]
    for size in (1, 2, 7):
        moments = [*times[::size], times[-1] + timedelta(microseconds=1)]
        expected = [sum(a <= each < b for each in times) for a, b in pairwise(moments)]
        assert await issued_counts.between(reader, moments) == expected

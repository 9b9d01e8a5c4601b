"""Rehearsing a policy on real logs: what was recorded is counted once, and nothing is written."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import pytest

from events.database import Connection
from events.issuance import IssuanceLog, Issue, TokenIssued
from events.log import Append, Log
from service.crypto.credentials import new_id
from service.rehearsal import replay
from service.rehearsal.policy import Policy, Refusal
from service.rehearsal.replay import Rehearsal
from tests.rules.samples import CODE_ISSUED, GRANTED, REGISTERED, SECRET
from tests.tables.conftest import appended
from tests.tables.items import meta

NO_CHALLENGE = CODE_ISSUED.__replace__(code_challenge=None)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
STRICT = Policy(require_pkce=True, max_token_lifetime=899, deny_scopes=frozenset({"api:public"}), max_secret_age=30)


def token(client: UUID, secret: UUID, *, lifetime: int, scope: str = "api:public") -> Issue:
    jti = new_id()
    made = (jti.int >> 80) // 1000
    issued = TokenIssued(sub="bot-abc123", scope=scope, kid="k", exp=made + lifetime, address="10.1.2.3")
    return Issue(client=client, secret=secret, jti=jti, token=issued)


async def rehearsed(reader: Connection, policy: Policy, since: datetime = LONG_AGO) -> Rehearsal:
    async with replay.reading(reader):
        span = await replay.span(reader, since, datetime.now(UTC) + timedelta(seconds=1))
        return await replay.rehearse(reader, policy, span, lambda _done, _total: None)


def counted(found: Rehearsal) -> dict[tuple[str, str, UUID], int]:
    return {(each.rule, each.request, each.client): each.times for each in found.refusals}


@pytest.fixture
async def happened(log: Log, tokens: IssuanceLog) -> UUID:
    """A client with an old secret, three tokens, two codes (one without PKCE); and a token of another client."""
    stream = new_id()
    secret = SECRET.__replace__(created_at=datetime.now(UTC) - timedelta(days=40))
    await appended(log, Append(stream=stream, expected=0, events=[REGISTERED.__replace__(secret=secret)], meta=meta()))
    for code in (NO_CHALLENGE, CODE_ISSUED.__replace__(code_challenge="c")):
        granted = GRANTED.__replace__(client=stream, scopes=("openid",))
        await appended(log, Append(stream=new_id(), expected=0, events=[granted, code], meta=meta()))
    for lifetime, scope in ((900, "api:public"), (900, "crm:read"), (60, "api:public")):
        await tokens.record(token(stream, secret.secret_id, lifetime=lifetime, scope=scope))
    await tokens.record(token(new_id(), new_id(), lifetime=60, scope="crm:read"))
    return stream


async def test_each_rule_counts_what_it_would_have_refused(happened, reader):
    found = await rehearsed(reader, STRICT)
    assert (found.tokens, found.others) == (4, 3)
    assert counted(found) == {
        ("max_token_lifetime", "token", happened): 2,
        ("deny_scope", "token", happened): 2,
        ("max_secret_age", "token", happened): 3,
        ("deny_scope", "registration", happened): 1,
        ("require_pkce", "code", happened): 1,
    }


async def test_the_first_and_the_last_are_those_of_the_log(happened, reader):
    (found,) = (await rehearsed(reader, Policy(max_secret_age=30))).refusals
    rows = await reader.fetch(
        "select issued_at, position from log.issuance where client = $1 order by position", happened
    )
    assert (found.first, found.last, found.last_position) == (rows[0][0], rows[-1][0], rows[-1][1])


async def test_what_was_recorded_before_the_span_does_not_count(happened, reader):
    middle = await reader.fetchval("select issued_at from log.issuance where position = 3")
    found = await rehearsed(reader, STRICT, since=middle)
    assert (found.tokens, found.others) == (2, 0)
    assert counted(found) == {("max_secret_age", "token", happened): 1, ("deny_scope", "token", happened): 1}


async def test_a_rehearsal_writes_nothing_and_cannot(happened, reader):
    async with replay.reading(reader):
        span = await replay.span(reader, LONG_AGO, datetime.now(UTC) + timedelta(seconds=1))
        await replay.rehearse(reader, STRICT, span, lambda _done, _total: None)
        assert await reader.fetchval("select pg_current_xact_id_if_assigned()") is None
    async with replay.reading(reader):
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            await reader.execute("delete from read.clients")


async def test_an_empty_log_has_nothing_to_refuse(reader):
    found = await rehearsed(reader, STRICT)
    assert (found.tokens, found.others, found.refusals) == (0, 0, ())


def test_refusals_are_told_most_often_first():
    tally = replay._Tally()
    for times, client in ((1, 1), (5, 2), (3, 1)):
        tally.add(Refusal("deny_scope", "token", UUID(int=client), times, LONG_AGO, LONG_AGO, times))
    assert [(each.client.int, each.times) for each in tally.sorted()] == [(2, 5), (1, 4)]

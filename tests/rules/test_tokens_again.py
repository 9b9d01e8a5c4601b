"""A token that is made as one before leaves only if its client and the APIs are, when it is committed, as they were."""

from collections.abc import Awaitable, Callable, Mapping
from math import inf
from types import SimpleNamespace
from typing import Any

import pytest

from events.database import Unavailable
from events.issuance import Issue
from projections import clients
from service.endpoints.oauth import issue_token_again
from service.grants.client_credentials import GRANT_TYPE
from service.grants.repetition import Repetition
from service.lookup import Seen
from service.metrics.families import ISSUED
from service.oauth.authlib_server import TokenGrant
from service.oauth.errors import ServerAway
from service.oauth.machine_token import MachineToken
from service.oauth.signing import Signer
from service.remembered import Remembered
from tests.rules.keyring import CLAIMS
from tests.rules.samples import CLIENT_ID, REGISTERED, SECRET, STREAM

Happens = Callable[["Lookup"], None]


class Lookup:
    """What it says after `reach` is what happened while the token was committed."""

    def __init__(self, happens: Happens) -> None:
        row = clients.project(None, STREAM, REGISTERED)
        assert row is not None
        self.changes, self.apis = 0, {}
        self.seen: Seen | None = Seen(client=row, bot_state=None, position=1)
        self._happens = happens

    def remembered(self, _: str) -> Seen | None:
        return self.seen

    async def reach(self, _: int) -> None:
        self._happens(self)

    async def named(self, _: str) -> Seen | None:
        return self.seen


class Count:
    number = 0

    def inc(self) -> None:
        self.number += 1


def known_to(lookup: Lookup, record: Callable[[Issue], Awaitable[object]], counts: Mapping[str, Count]) -> Repetition:
    grant = TokenGrant(client_id=CLIENT_ID, client=STREAM, secret=SECRET.secret_id, sub="s", scope="a")
    signer = Signer("k", "ES256", lambda data: data, b"head")
    kept: Any = lookup
    known = Remembered[MachineToken](kept)

    async def record_while(issue: Issue, make: Callable[[], bytes]) -> tuple[object, bytes]:
        made = make()
        return await record(issue), made

    token = MachineToken(claims=CLAIMS, signer=signer, grant=grant, recorded_audience=None)
    for _ in range(2):  # of one that came once, nothing is kept
        known.keep(b"a", token, changes=0, until=inf)
    resources: Any = SimpleNamespace(
        lookup=lookup,
        machine_tokens=known,
        issuance=SimpleNamespace(record_while=record_while),
        metrics=SimpleNamespace(tokens={GRANT_TYPE: counts}),
    )
    return Repetition(resources, b"a", "127.0.0.1")


async def asked_again(head: int, happens: Happens, *, is_cached: bool = True) -> tuple[bool, int, int]:
    """Return whether a token leaves, how many were recorded, and how many are counted as issued here."""
    lookup, recorded, issued = Lookup(happens), list[Issue](), Count()
    if not is_cached:
        lookup.seen = None

    async def record(issue: Issue) -> object:
        recorded.append(issue)
        return SimpleNamespace(head=head)

    response = await issue_token_again(known_to(lookup, record, {ISSUED: issued}))
    return response is not None, len(recorded), issued.number


def disabled(lookup: Lookup) -> None:
    assert lookup.seen is not None
    lookup.seen = lookup.seen.__replace__(client=lookup.seen.client.__replace__(state="disabled"))


def of_a_disabled_bot(lookup: Lookup) -> None:
    assert lookup.seen is not None
    lookup.seen = lookup.seen.__replace__(bot_state="disabled")


def deleted(lookup: Lookup) -> None:
    lookup.seen = None


def of_other_apis(lookup: Lookup) -> None:
    lookup.apis = {}


def nothing(_: Lookup) -> None:
    pass


@pytest.mark.parametrize(
    ("happens", "leaves"),
    [(nothing, True), (disabled, False), (of_a_disabled_bot, False), (deleted, False), (of_other_apis, False)],
)
async def test_a_token_leaves_only_if_nothing_happened_that_concerns_it(happens: Happens, leaves: bool):
    assert await asked_again(2, happens) == (leaves, 1, leaves)
    assert await asked_again(1, happens) == (True, 1, 1), "nothing can have happened"


async def test_a_token_of_a_client_that_is_no_longer_cached_is_decided_again_before_anything_is_recorded():
    assert await asked_again(1, nothing, is_cached=False) == (False, 0, 0)


async def test_no_token_leaves_if_it_is_not_known_whether_it_was_recorded_and_that_is_counted():
    async def record(_: Issue) -> object:
        raise Unavailable("the database was lost in the middle of a commit")

    away = Count()
    with pytest.raises(Unavailable):
        await issue_token_again(known_to(Lookup(nothing), record, {ServerAway.error: away}))
    assert away.number == 1

"""Initial access tokens: what they may allow, and how long they are good."""

import pytest

from events.initial_access_token import InitialAccessTokenUsed
from service.commands.authority import Holder
from service.commands.handle import INITIAL_ACCESS_TOKEN
from service.commands.initial_access_token import (
    IssueInitialAccessToken,
    RevokeInitialAccessToken,
    UseInitialAccessToken,
)
from service.refusals import Contradiction, DoesNotExist, NotPermitted
from service.values.scopes import OPERATORS
from tests.rules.samples import (
    ALLOWANCE,
    AT,
    HASH,
    INITIAL_TOKEN,
    INITIAL_TOKEN_REVOKED,
    INITIAL_TOKEN_USED,
    LATER,
    SOON,
    STREAM,
    hashed,
)
from tests.rules.table import outcome, rule

ALICE = Holder(owner="alice", sub="alice", scopes=frozenset({"api:public", "clients:write"}))
OPERATOR = Holder(owner=None, sub="muniment", scopes=frozenset(OPERATORS))
MALLORY = Holder(owner="mallory", sub="mallory", scopes=frozenset({"api:public"}))
ISSUE = IssueInitialAccessToken(by=ALICE, name="CI", allows=ALLOWANCE, hash=HASH, hint="…cret", at=AT)
USE = UseInitialAccessToken(hash=HASH, client=STREAM, at=SOON)
REVOKE = RevokeInitialAccessToken(by=ALICE, at=LATER)
ENDLESS = INITIAL_TOKEN.__replace__(allows=ALLOWANCE.__replace__(expires_at=None))


def allowing(*scopes: str, by: Holder = ALICE) -> IssueInitialAccessToken:
    return ISSUE.__replace__(by=by, allows=ALLOWANCE.__replace__(scopes=scopes))


@pytest.mark.parametrize(
    ("given", "command", "then"),
    [
        rule([], ISSUE, [INITIAL_TOKEN], "a caller issues one for its own clients"),
        rule([INITIAL_TOKEN], ISSUE, Contradiction, "an id is never used again"),
        rule([], allowing("crm:read"), NotPermitted, "with scopes that the caller has"),
        rule([], allowing("clients:write"), NotPermitted, "never with a scope of the management API"),
        rule([], allowing("operate", by=OPERATOR), NotPermitted, "not even by an operator"),
        rule([], allowing("introspect:all", by=OPERATOR), NotPermitted, "nor with the right to introspect"),
        rule([], allowing("openid"), Contradiction, "nor with a scope that everybody has"),
        rule([INITIAL_TOKEN], USE, [INITIAL_TOKEN_USED], "it registers a client"),
        rule([INITIAL_TOKEN], USE.__replace__(hash=hashed(9)), DoesNotExist, "but another token does not"),
        rule([INITIAL_TOKEN], USE.__replace__(at=LATER), DoesNotExist, "nor does it once it has expired"),
        rule([INITIAL_TOKEN] + [INITIAL_TOKEN_USED] * 2, USE, DoesNotExist, "or is used up"),
        rule([INITIAL_TOKEN, INITIAL_TOKEN_REVOKED], USE, DoesNotExist, "or revoked"),
        rule([], USE, DoesNotExist, "or never was"),
        rule(
            [ENDLESS],
            USE.__replace__(at=LATER),
            [InitialAccessTokenUsed(client=STREAM, at=LATER)],
            "without an expiry it lasts",
        ),
        rule([INITIAL_TOKEN], REVOKE, [INITIAL_TOKEN_REVOKED], "its owner revokes it"),
        rule([INITIAL_TOKEN], REVOKE.__replace__(by=OPERATOR), [INITIAL_TOKEN_REVOKED], "or an operator"),
        rule([INITIAL_TOKEN], REVOKE.__replace__(by=MALLORY), DoesNotExist, "nobody else learns of it"),
        rule([INITIAL_TOKEN, INITIAL_TOKEN_REVOKED], REVOKE, [], "twice changes nothing"),
        rule([INITIAL_TOKEN, INITIAL_TOKEN_REVOKED], REVOKE.__replace__(by=MALLORY), DoesNotExist, "nor then"),
        rule([], REVOKE, DoesNotExist, "what never was is not revoked"),
    ],
)
def test_an_initial_access_token(given, command, then):
    assert outcome(INITIAL_ACCESS_TOKEN, given, command) == then

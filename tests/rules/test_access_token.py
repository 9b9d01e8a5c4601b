"""What may be asked of an access token once it is out."""

import pytest

from events.access_token import RevokedToken, UnrevokedToken, evolve
from projections import revoked_tokens
from service.commands.access_token import RevokeToken
from service.commands.handle import ACCESS_TOKEN
from tests.rules.samples import AT, LATER, REVOKED, STREAM
from tests.rules.table import outcome, rule

REVOKE = RevokeToken(client_id=REVOKED.client_id, expires_at=LATER, at=AT)


@pytest.mark.parametrize(
    ("given", "command", "then"),
    [
        rule([], REVOKE, [REVOKED], "a token can be revoked"),
        rule([REVOKED], REVOKE, [], "revoking twice changes nothing"),
    ],
)
def test_an_access_token(given, command, then):
    assert outcome(ACCESS_TOKEN, given, command) == then


@pytest.mark.parametrize("state", [UnrevokedToken(), RevokedToken()], ids=lambda state: type(state).__name__)
def test_a_revoked_token_stays_revoked(state):
    assert evolve(state, REVOKED) == RevokedToken()


def test_the_first_revocation_stands():
    first = revoked_tokens.TABLE.fold(STREAM, [REVOKED])
    assert revoked_tokens.project(first, STREAM, type(REVOKED)(client_id="another", expires_at=AT, at=LATER)) == first  # pyright: ignore[reportArgumentType]

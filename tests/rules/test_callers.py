"""The caller of a token is that of its claims and of its client as the client is now, however often it was made before."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st
from msgspec import convert, to_builtins

from events.client_apis import GrantedApi
from service import callers
from service.callers import Callers, caller_of
from service.oauth.tokens import VerifiedClaims
from tests.rules.keyring import CLAIMS
from tests.rules.test_unused import row

API = "https://api.example.com"
TOKENS = [
    convert({**to_builtins(CLAIMS), "scope": scope, "aud": aud, "jti": str(jti)}, VerifiedClaims)
    for jti in (CLAIMS.jti, UUID(int=7))
    for scope in ("clients:read", "clients:read crm:read")
    for aud in ("muniment", ("muniment", API))
]
CLIENTS = [
    row(scopes).__replace__(apis=apis)
    for scopes in (("clients:read",), ("clients:read", "crm:read"), ())
    for apis in ((), (GrantedApi(identifier=API, scopes=("crm:read",)),))
]


@given(st.lists(st.tuples(st.sampled_from(TOKENS), st.sampled_from(CLIENTS)), max_size=20))
def test_a_caller_is_never_that_of_other_claims_or_of_the_client_as_it_was(asked):
    known = Callers()
    for claims, client in asked:
        assert known.of(claims, client) == caller_of(claims, client)


def test_a_token_may_do_what_it_says_as_far_as_its_client_still_may():
    both, known = TOKENS[3], Callers()
    assert known.of(both, CLIENTS[0]).scopes == {"clients:read"}
    assert known.of(both, CLIENTS[3]).apis == {(API, ""), (API, "crm:read")}
    assert known.of(both, CLIENTS[4]).scopes == frozenset()


def test_no_more_callers_are_remembered_than_there_is_room_for(monkeypatch):
    monkeypatch.setattr(callers, "MOST_REMEMBERED", 1)
    known, first, second = Callers(), TOKENS[0], TOKENS[-1]
    made = known.of(first, CLIENTS[0])
    assert known.of(first, CLIENTS[0]) is made
    known.of(second, CLIENTS[0])
    assert known.of(first, CLIENTS[0]) is not made

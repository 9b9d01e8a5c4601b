"""The caller of a token may do what the token says, as far as its client still may."""

from collections.abc import Iterable

from msgspec import convert, to_builtins

from events.client_apis import GrantedApi
from projections.clients import Row
from service.callers import caller_of
from service.oauth.tokens import VerifiedClaims
from tests.rules.keyring import CLAIMS
from tests.rules.test_unused import row

API = "https://api.example.com"


def token(scope: str, *audiences: str) -> VerifiedClaims:
    claims: dict[str, object] = {**to_builtins(CLAIMS), "scope": scope, "aud": ("muniment", *audiences)}
    return convert({**claims, "aud": claims["aud"] if audiences else "muniment"}, VerifiedClaims)


def client(scopes: Iterable[str], *, of_api: tuple[str, ...] = ()) -> Row:
    return row(scopes).__replace__(apis=(GrantedApi(identifier=API, scopes=of_api),))


def test_it_has_the_scopes_that_the_token_and_the_client_have():
    both = token("clients:read crm:read")
    assert caller_of(both, client(("clients:read", "bots:read"))).scopes == {"clients:read"}
    assert caller_of(both, client(())).scopes == frozenset()


def test_it_has_the_apis_that_the_token_is_for_and_the_client_is_granted():
    granted = client((), of_api=("crm:read", "crm:write"))
    assert caller_of(token("crm:read", API), granted).apis == {(API, ""), (API, "crm:read")}
    assert caller_of(token("crm:read"), granted).apis == frozenset()
    assert caller_of(token("crm:read", API), row(())).apis == frozenset()

"""Of whom PKCE is required, what the refusal says, and what an operator is told of a client's use of it."""

import pytest
from msgspec import UNSET, UnsetType

from events.client import Login
from projections import clients
from projections.clients import Found, Row
from service.cli.clients import pkce
from service.oauth.parameters import Fault, challenge_of, pkce_is_used
from tests.rules.samples import INTERACTIVE, PUBLIC_REGISTERED, REGISTERED, STREAM

CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"  # RFC 7636 appendix B
WITH, WITHOUT = frozenset({"pkce", "nonce"}), frozenset({"nonce"})


def row(required: bool | UnsetType = UNSET, *, public: bool = False) -> Row:
    made = clients.project(None, STREAM, PUBLIC_REGISTERED if public else INTERACTIVE)
    assert made is not None
    return made.__replace__(login=Login(require_pkce=required))


def found(required: bool | UnsetType, *, public: bool = False) -> Found:
    return Found(client=row(required, public=public), bot_state=None)


@pytest.mark.parametrize(
    ("client", "of_all"),
    [
        pytest.param(found(UNSET), False, id="a confidential one that says nothing"),
        pytest.param(found(False), False, id="one that need not"),
        pytest.param(found(False), True, id="one that need not, whatever the deployment requires of all"),
    ],
)
def test_a_confidential_client_may_do_without_a_challenge(client: Found, of_all: bool):
    assert challenge_of({}, client, of_all=of_all) is None


@pytest.mark.parametrize(
    ("client", "of_all", "said"),
    [
        pytest.param(found(UNSET), True, "MUNIMENT_REQUIRE_PKCE=all.*set the client's requirePkce to false", id="all"),
        pytest.param(found(True), False, "requirePkce is true.*set the client's requirePkce to false", id="this one"),
        pytest.param(found(UNSET, public=True), False, "A public client needs PKCE", id="a public one"),
        pytest.param(found(False, public=True), False, "A public client needs PKCE", id="a public one, always"),
    ],
)
def test_a_client_that_needs_pkce_is_told_why_and_which_setting_allows_it(client: Found, of_all: bool, said: str):
    with pytest.raises(Fault, match=said) as refused:
        challenge_of({}, client, of_all=of_all)
    assert refused.value.error == "invalid_request"
    pkce_is_used(CHALLENGE, client, of_all=of_all)


def test_a_method_without_a_challenge_is_a_mistake_of_any_client():
    with pytest.raises(Fault, match="code_challenge_method needs a code_challenge"):
        challenge_of({"code_challenge_method": "S256"}, found(False), of_all=False)


@pytest.mark.parametrize(
    ("client", "bindings", "told"),
    [
        pytest.param(row(), [], "as MUNIMENT_REQUIRE_PKCE says", id="nobody has logged in"),
        pytest.param(row(False), [WITHOUT], "not required; does not use PKCE", id="none of the logins used it"),
        pytest.param(
            row(), [WITHOUT, WITH], "as MUNIMENT_REQUIRE_PKCE says; used in 1 of the last 2 logins", id="one did"
        ),
        pytest.param(row(True), [WITH, WITH], "required", id="all did"),
        pytest.param(row(public=True), [WITH], "required", id="a public client"),
        pytest.param(clients.project(None, STREAM, REGISTERED), [], None, id="nobody logs in through a machine"),
    ],
)
def test_an_operator_is_told_whether_a_client_uses_pkce(client: Row, bindings: list[frozenset[str]], told: str | None):
    assert pkce(client, bindings) == told

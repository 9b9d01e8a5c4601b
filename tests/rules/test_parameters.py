"""What a client asks for at the authorization endpoint, and what it gets of that."""

from typing import Any

import pytest

from events.client import Login
from projections.clients import Found
from service.oauth.authorization_request import AuthorizationRequest
from service.oauth.authorize import LONGER, MOST_CHARACTERS, Redirected, checked, still_good
from service.oauth.request_parameters import RequestParameters
from service.values.scopes import IDENTITY
from tests.rules.keyring import ISSUER
from tests.rules.test_authlib_login import CHALLENGE, PERSONS, URI


def client(*scopes: str) -> Found:
    row = PERSONS.client.__replace__(redirect_uris=(URI,), scopes=scopes, login=Login())
    return PERSONS.__replace__(client=row)


def request(found: Found, **params: str) -> AuthorizationRequest:
    usual = {
        "client_id": found.client.client_id,
        "redirect_uri": URI,
        "response_type": "code",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    return checked(RequestParameters(params={**usual, **params}, twice=(), issuer=ISSUER, now=0), found)


def refused(found: Found, **params: str) -> dict[str, Any]:
    with pytest.raises(Redirected) as caught:
        request(found, **params)
    return caught.value.redirect.params


@pytest.mark.parametrize(
    ("scope", "kept"),
    [
        pytest.param("openid roles vaultwarden email", ("openid", "email"), id="what nobody here knows"),
        pytest.param("openid crm:read crm:write", ("openid", "crm:read"), id="what is another client's"),
        pytest.param("openid operate clients:write", ("openid",), id="what is for machines alone"),
        pytest.param('openid "', ("openid",), id="what is no scope"),
        pytest.param("  openid   email ", ("openid", "email"), id="spaces around and between"),
        pytest.param("email email openid", ("email", "openid"), id="what is asked for twice"),
    ],
)
def test_what_a_client_may_not_have_is_left_out(scope: str, kept: tuple[str, ...]):
    assert request(client("crm:read", "operate"), scope=scope).scopes == kept


@pytest.mark.parametrize("scope", ["roles", "operate", "crm:write", '"'])
def test_where_nothing_is_left_the_client_is_told_what_it_may_ask_for(scope: str):
    told = refused(client("crm:read", "operate"), scope=scope)
    assert told["error"] == "invalid_scope"
    assert told["error_description"].endswith(f"Ask for at least one of: {' '.join(IDENTITY)} crm:read.")


def test_who_asks_for_scopes_of_an_api_that_is_not_registered_is_told_so():
    told = refused(client(), scope="notes:read", resource="https://mcp.example.com/")
    assert "registers it under exactly this identifier" in told["error_description"]
    assert "identifier" not in refused(client(), scope="notes:read")["error_description"]


def test_a_client_that_names_no_scope_asks_for_its_own():
    assert request(client("crm:read", "operate"), scope=" ").scopes == ("crm:read",)
    assert "The request names no scope." in refused(client("operate"))["error_description"]


def test_a_scope_that_the_client_lost_while_a_page_was_open_is_left_out():
    asked = request(client("crm:read"), scope="openid crm:read")
    assert still_good(asked, client(), ISSUER, pkce_of_all=False)[0].scopes == ("openid",)
    alone = request(client("crm:read"), scope="crm:read")
    with pytest.raises(Redirected, match="invalid_scope"):
        still_good(alone, client(), ISSUER, pkce_of_all=False)


def test_a_parameter_that_has_a_limit_of_its_own_may_be_longer_than_any_other():
    assert min(LONGER.values()) > MOST_CHARACTERS

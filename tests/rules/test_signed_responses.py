"""Authorization responses as one signed JWT (JARM)."""

import time

import pytest
from joserfc import jwt

from service.oauth.authorization_request import AuthorizationRequest
from service.oauth.redirects import PLAIN_MODES, RESPONSE_SECONDS, SIGNED_MODES, Redirect, allowed, refused, secured
from service.oauth.signing import Signer
from tests.rules.keyring import ISSUER, KEYS, signer

REQUEST = AuthorizationRequest(
    client_id="c", redirect_uri="https://app.example.com/cb", asked_at=0, state="s", response_alg="ES256"
)


def sign(redirect: Redirect) -> Redirect:
    def of(alg: str) -> Signer:
        assert alg == "ES256"
        return signer("active")

    return secured(redirect, of)


@pytest.mark.parametrize(
    ("mode", "sent"),
    [("jwt", "query"), ("query.jwt", "query"), ("fragment.jwt", "fragment"), ("form_post.jwt", "form_post")],
)
def test_the_whole_response_is_one_token_for_the_client(mode: str, sent: str):
    redirect = sign(allowed(REQUEST.__replace__(response_mode=mode), ISSUER, "code_x"))
    assert (redirect.uri, redirect.mode, list(redirect.params)) == (REQUEST.redirect_uri, sent, ["response"])
    token = jwt.decode(redirect.params["response"], KEYS["active"], algorithms=["ES256"])
    assert (token.header["kid"], token.header["alg"]) == ("active", "ES256")
    until = token.claims.pop("exp")
    assert time.time() < until <= time.time() + RESPONSE_SECONDS
    assert token.claims == {"code": "code_x", "state": "s", "iss": ISSUER, "aud": "c"}


def test_an_error_is_signed_too():
    redirect = sign(refused(REQUEST.__replace__(response_mode="jwt"), ISSUER, "access_denied", "No."))
    claims = jwt.decode(redirect.params["response"], KEYS["active"], algorithms=["ES256"]).claims
    assert (claims["error"], claims["error_description"], claims["state"]) == ("access_denied", "No.", "s")
    assert "code" not in claims


@pytest.mark.parametrize("mode", PLAIN_MODES)
def test_the_other_modes_are_as_they_were(mode: str):
    redirect = allowed(REQUEST.__replace__(response_mode=mode), ISSUER, "code_x")
    assert sign(redirect) is redirect
    assert redirect.params["code"] == "code_x"


def test_no_mode_is_both():
    assert set(PLAIN_MODES).isdisjoint(SIGNED_MODES)

"""Which changes of a client's settings in the console need a recent sign-in: those that let somebody in who was not before."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from events.client import Login
from events.client_security import Security
from projections.clients import Row
from service.console.screens import client_edit
from service.endpoints.client_settings import OAuthClient, shown

URI = "https://app.example.com/callback"


def client(login: Login | None, **security: Any) -> OAuthClient:
    row = Row(
        stream_id=UUID(int=1),
        client_id="app",
        owner="o",
        grant_type="client_credentials" if login is None else "authorization_code",
        bot_user_id=None,
        display_name="App",
        redirect_uris=() if login is None else (URI,),
        scopes=("crm:read",),
        secrets=(),
        state="active",
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        version=1,
        public=False,
        login=login,
        security=Security(**security),
    )
    return shown(row, None)


MACHINE = client(None)
PLAIN = client(Login())
STRICT = client(
    Login(require_pkce=True, first_party=True),
    require_pushed_authorization_requests=True,
    require_signed_request_object=True,
    request_object_signing_alg="ES256",
    dpop_bound_access_tokens=True,
    device_grant=True,
)

POWER: Mapping[str, tuple[OAuthClient, Mapping[str, str]]] = {
    "codes go to one more place": (PLAIN, {"redirectUris": f"{URI}\nhttps://other.example.com/"}),
    "codes go to another place": (STRICT, {"redirectUris": "https://other.example.com/"}),
    "users are not asked": (PLAIN, {"firstParty": "yes"}),
    "users sign in on devices": (PLAIN, {"deviceGrant": "yes"}),
    "no PKCE": (STRICT, {"requirePkce": "no"}),
    "PKCE by the rule of the deployment": (STRICT, {"requirePkce": ""}),
    "no PKCE, whatever the rule of the deployment": (PLAIN, {"requirePkce": "no"}),
    "no pushed requests": (STRICT, {"requirePushedAuthorizationRequests": ""}),
    "no signed requests": (STRICT, {"requireSignedRequestObject": ""}),
    "another algorithm of requests": (STRICT, {"requestObjectSigningAlg": "RS256"}),
    "tokens without a key": (STRICT, {"dpopBoundAccessTokens": ""}),
    "a key": (MACHINE, {"tokenEndpointAuthMethod": "private_key_jwt", "jwksUri": "https://x.example.com/"}),
    "an exchange": (MACHINE, {"tokenExchange.0.audiences": "urn:x", "tokenExchange.0.scopes": "a"}),
}
NONE: Mapping[str, tuple[OAuthClient, Mapping[str, str]]] = {
    "a form as it was": (STRICT, {}),
    "a form of a machine client as it was": (MACHINE, {}),
    "a name": (PLAIN, {"displayName": "Other"}),
    "no place for codes": (STRICT, {"redirectUris": ""}),
    "users are asked": (STRICT, {"firstParty": ""}),
    "PKCE": (PLAIN, {"requirePkce": "yes"}),
    "no devices": (STRICT, {"deviceGrant": ""}),
    "pushed requests": (PLAIN, {"requirePushedAuthorizationRequests": "yes"}),
    "tokens with a key": (MACHINE, {"dpopBoundAccessTokens": "yes"}),
}


def gives(about: OAuthClient, fields: Mapping[str, str]) -> bool:
    return client_edit.gives_power_over(about, {**client_edit._values(about), **fields})


@pytest.mark.parametrize("which", POWER)
def test_a_change_that_gives_power_needs_a_recent_sign_in(which: str):
    assert gives(*POWER[which])


@pytest.mark.parametrize("which", NONE)
def test_one_that_gives_none_does_not(which: str):
    assert not gives(*NONE[which])

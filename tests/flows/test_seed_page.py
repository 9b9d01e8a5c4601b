"""The page of documentation that the product was created from works as it stands, with only host and bearer changed."""

import jwt

from tests.flows.conftest import Live


async def test_the_page_s_machine_client_gets_a_token_that_somebody_else_s_library_verifies(live: Live):
    body = {"displayName": "Salesforce Production Integration", "m2m": True, "botUserId": "bot-abc123"}
    created = await live.http.post("/api/v1/auth/clients", json=body, headers=live.bearer)
    assert created.status_code == 201
    answer = created.json()
    assert set(answer) == {"clientId", "clientSecret"}
    assert answer["clientId"].startswith("oauth_client_")
    assert answer["clientSecret"].startswith("secret_")
    assert created.headers["location"] == f"/api/v1/auth/clients/{answer['clientId']}"

    granted = await live.token_for(answer["clientId"], answer["clientSecret"], scope="api:public")
    assert granted.status_code == 200
    assert granted.headers["cache-control"] == "no-store"
    token = granted.json()["access_token"]
    header = jwt.get_unverified_header(token)
    assert header["typ"] == "at+jwt"
    jwks = jwt.PyJWKSet.from_dict((await live.http.get("/openid/jwks")).json())
    claims = jwt.decode(token, jwks[header["kid"]], algorithms=["ES256"], audience=live.url, issuer=live.url)
    assert set(claims) == {"iss", "sub", "aud", "client_id", "scope", "iat", "exp", "jti"}
    assert claims["sub"] == "bot-abc123"
    assert claims["client_id"] == answer["clientId"]
    assert claims["scope"] == "api:public"


async def test_the_page_s_interactive_client_is_registered(live: Live):
    body = {"displayName": "My Web App", "redirectUri": "https://myapp.example.com/oauth/callback", "m2m": False}
    created = await live.http.post("/api/v1/auth/clients", json=body, headers=live.bearer)
    assert created.status_code == 201
    shown = await live.http.get(created.headers["location"], headers=live.bearer)
    assert shown.json()["redirectUris"] == ["https://myapp.example.com/oauth/callback"]
    assert shown.json()["m2m"] is False


async def test_the_page_s_last_curl_a_machine_client_with_a_redirect_uri_is_kept_as_sent(live: Live):
    client_id, secret = await live.register(redirectUri="https://myapp.example.com/oauth/callback")
    shown = await live.http.get(f"/api/v1/auth/clients/{client_id}", headers=live.bearer)
    assert shown.json()["redirectUris"] == ["https://myapp.example.com/oauth/callback"]
    assert await live.access_token(client_id, secret, scope="api:public")

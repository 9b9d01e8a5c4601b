"""Parties who could do all this rightly: hostile requests are theirs, with one thing wrong."""

import time
from typing import Any
from uuid import uuid4

from joserfc.jwk import ECKey
from msgspec import Struct

from service.oauth.client_assertion import JWT_BEARER
from tests.bench.hostile.jwts import Token
from tests.flows.browsing import Browser, browser
from tests.flows.conftest import Live
from tests.flows.people import CALLBACK, allow, asked, logged_in, proof, sent_back, tokens_for
from tests.rules.proving import KEY as PROVING
from tests.rules.proving import ath
from tests.rules.proving import proof as dpop_proof

CLIENTS, TOKEN, PAR, USERINFO = "/api/v1/auth/clients", "/openid/token", "/openid/par", "/openid/userinfo"
CRM, ENTERPRISE, THERE = "https://crm.example.com", "https://idp.example.com", "https://chat.example"
KEY = ECKey.generate_key("P-256", {"kid": "mine"})
PUBLIC = dict(KEY.as_dict(private=False))
FAPI = {
    "securityProfile": "fapi2",
    "requirePkce": True,
    "requirePushedAuthorizationRequests": True,
    "dpopBoundAccessTokens": True,
    "idTokenSignedResponseAlg": "ES256",
}
Client = tuple[str, str]

REQUESTS = (
    "redirect",
    "to-loopback",
    "ten-megabytes",
    "endless",
    "html",
    "empty",
    "not-found",
    "broken",
    "headers",
    "keys",
)
"""Where `signing` says that its request objects are, at the hostile site."""


class World(Struct, frozen=True, kw_only=True):
    """`tokens` are access tokens that are bound to PROVING, by the path of what they are for."""

    url: str
    site: str
    app: Client
    keyed: str
    pushing: str
    signing: str
    machine: Client
    television: str
    agent: Client
    person: str
    tokens: dict[str, str]
    registered: dict[str, Any]
    browser_cookie: str
    browser_csrf: dict[str, str]

    def assertion(self, client: str) -> Token:
        now = int(time.time())
        claims = {"iss": client, "sub": client, "aud": self.url, "jti": uuid4().hex, "iat": now, "exp": now + 60}
        return Token(header={"alg": "ES256", "kid": "mine"}, claims=claims, key=KEY, texts=("iss", "sub", "aud"))

    def authentication(self, client: str, text: str = "") -> list[tuple[str, str]]:
        """The parameters by which the client authenticates with this assertion, or a new one."""
        return [
            ("client_assertion_type", JWT_BEARER),
            ("client_assertion", text or self.assertion(client).text),
        ]

    def proof(self, method: str, path: str) -> Token:
        token = self.tokens.get(path)
        claims = {"jti": uuid4().hex, "htm": method, "htu": f"{self.url}{path}", "iat": int(time.time())}
        more = {} if token is None else {"ath": ath(token)}
        return Token(
            header={"typ": "dpop+jwt", "alg": "ES256", "jwk": PROVING.as_dict(private=False)},
            claims={**claims, **more},
            key=PROVING,
            texts=("htm", "htu", *more),
            times=("iat",),
            carries_key=True,
        )

    def request_object(self, client: str) -> Token:
        now = int(time.time())
        claims = {
            "iss": client,
            "aud": self.url,
            "client_id": client,
            "nbf": now,
            "exp": now + 300,
            "response_type": "code",
            "redirect_uri": CALLBACK,
            "scope": "openid",
            "state": "st-1",
            "code_challenge": proof().challenge,
            "code_challenge_method": "S256",
        }
        texts = ("iss", "aud", "client_id", "response_type", "redirect_uri", "code_challenge_method")
        return Token(
            header={"alg": "ES256", "kid": "mine"},
            claims=claims,
            key=KEY,
            texts=texts,
            names=("code_challenge",),
            times=("exp", "nbf"),
            optional=("client_id",),
        )

    def identity_assertion(self, **more: Any) -> Token:
        now = int(time.time())
        claims = {
            "iss": ENTERPRISE,
            "sub": "ada",
            "aud": self.url,
            "client_id": self.app[0],
            "jti": uuid4().hex,
            "iat": now,
            "exp": now + 300,
            "scope": "crm:read",
            **more,
        }
        header = {"alg": "ES256", "typ": "oauth-id-jag+jwt"}
        return Token(header=header, claims=claims, key=KEY, texts=("iss", "aud", "client_id"), names=("jti", "sub"))

    def foreign_token(self, **more: Any) -> Token:
        """An access token of the enterprise's provider, about somebody who is known here."""
        token = self.identity_assertion(**more)
        header, texts = {"alg": "ES256", "typ": "at+jwt"}, ("iss", "aud", "sub")
        return Token(header=header, claims=token.claims, key=KEY, texts=texts, names=(), optional=("typ",))


async def made(live: Live, site: str) -> World:
    """Registers all of them at the service."""
    app = await live.interactive(
        redirectUri=CALLBACK, scopes=["api:public", "crm:read", "crm:write"], displayName="App"
    )
    agent = await live.register(botUserId="bot-agent", scopes=["api:public"])
    await _changed(live, agent[0], tokenExchange=[_policy(app[0])])
    keys = {"tokenEndpointAuthMethod": "private_key_jwt", "jwks": {"keys": [PUBLIC]}}
    keyed = await registered_by_key(live, jwks=keys["jwks"])
    signed: dict[str, Any] = {"m2m": False, "redirectUri": CALLBACK, "requireSignedRequestObject": True, **keys}
    pushing = await _made(live, **signed, **FAPI)
    signing = await _made(live, **signed, requestUris=[f"{site}/{name}" for name in REQUESTS])
    television = await _made(live, m2m=False, public=True, deviceGrant=True)
    machine = await live.register(botUserId="bot-bound", scopes=["clients:read"])
    await _trust(live)
    registered = await live.http.post("/openid/register", json={"redirect_uris": [CALLBACK], "client_name": "Wild"})
    assert registered.status_code == 201, registered.text
    person, about_person = await _persons_tokens(live, app)
    cookie, csrf = await _browser(live)
    return World(
        url=live.url,
        site=site,
        app=app,
        keyed=keyed,
        pushing=pushing,
        signing=signing,
        machine=machine,
        television=television,
        agent=agent,
        person=person,
        tokens={CLIENTS: await _bound(live, machine), USERINFO: about_person},
        registered=registered.json(),
        browser_cookie=cookie,
        browser_csrf=csrf,
    )


async def registered_by_key(live: Live, **where: Any) -> str:
    """A machine client that authenticates by KEY, which is there."""
    return await _made(live, m2m=True, botUserId="bot-keyed", tokenEndpointAuthMethod="private_key_jwt", **where)


def _policy(client: str) -> dict[str, list[str]]:
    return {"clients": [client], "audiences": [CRM], "scopes": ["crm:read"], "issuers": [ENTERPRISE]}


async def _made(live: Live, **body: Any) -> str:
    answer = await live.http.post(CLIENTS, json=body, headers=live.bearer)
    assert answer.status_code == 201, answer.text
    return answer.json()["clientId"]


async def _changed(live: Live, client: str, **fields: Any) -> None:
    answer = await live.http.patch(f"{CLIENTS}/{client}", json=fields, headers={**live.bearer, "If-Match": "*"})
    assert answer.status_code == 200, answer.text


async def _trust(live: Live) -> None:
    body = {
        "issuer": ENTERPRISE,
        "name": "Example Corp",
        "purposes": ["id_jag", "subject_token"],
        "jwks": {"keys": [PUBLIC]},
        "provisions": True,
    }
    answer = await live.http.post("/api/v1/auth/trusted-issuers", json=body, headers=live.bearer)
    assert answer.status_code == 201, answer.text


async def _bound(live: Live, machine: Client) -> str:
    answer = await live.http.post(
        TOKEN,
        data={"grant_type": "client_credentials"},
        auth=machine,
        headers={"DPoP": dpop_proof("POST", f"{live.url}{TOKEN}")},
    )
    assert answer.json()["token_type"] == "DPoP", answer.text
    return answer.json()["access_token"]


async def _persons_tokens(live: Live, app: Client) -> tuple[str, str]:
    """Access tokens of a person: one that anybody may present, and one that is bound."""
    async with logged_in(live) as person:
        plain = await tokens_for(live, person, app, "openid crm:read crm:write")
        public = await _made(live, m2m=False, redirectUri=CALLBACK, public=True)
        pkce = proof()
        await allow(live, person.user, public, "openid")
        code = sent_back(await asked(person.browser, public, code_challenge=pkce.challenge))["code"]
        answer = await live.http.post(
            TOKEN,
            data={
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": CALLBACK,
                "client_id": public,
                "code_verifier": pkce.verifier,
            },
            headers={"DPoP": dpop_proof("POST", f"{live.url}{TOKEN}")},
        )
    assert answer.json()["token_type"] == "DPoP", answer.text
    return plain["access_token"], answer.json()["access_token"]


async def _browser(live: Live) -> tuple[str, dict[str, str]]:
    """The cookies of a browser at the page for user codes, and what its form has in it."""
    at: Browser
    async with browser(live) as at:
        form = (await at.look("/device")).form("user_code")
        return "; ".join(f"{name}={value}" for name, value in at.http.cookies.items()), form.fields

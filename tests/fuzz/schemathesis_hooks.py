"""What a schema cannot say, for the fuzzer that reads ours: good requests are about what is there, and say what is so."""

import os
from typing import Any

import httpx
import schemathesis
from hypothesis import strategies as st

NAMES = {
    "tlsClientAuthSubjectDn": "CN=crm,O=Example",
    "tlsClientAuthSanDns": "crm.example.com",
    "tlsClientAuthSanUri": "https://crm.example.com",
    "tlsClientAuthSanIp": "192.0.2.1",
    "tlsClientAuthSanEmail": "crm@example.com",
}
"""The names in a client's certificate."""
JWK = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
OF_MACHINES = "client_credentials"
IN_BODY = ("client_id", "client_secret", "client_assertion_type", "client_assertion")
URL, BEARER = os.environ["URL"], {"Authorization": f"Bearer {os.environ['TOKEN']}"}
API = httpx.Client(base_url=f"{URL}/api/v1/auth", headers=BEARER)
HOSTS = st.sampled_from(["https://app.example.com", "http://127.0.0.1:8080", "http://[::1]", "com.example.app:"])
PATHS = st.from_regex(r"/[A-Za-z0-9._~/-]{0,30}(\?[a-z]=[A-Za-z0-9%]{0,9})?", fullmatch=True)

LONG = st.sampled_from(
    (0, 0, 1999, 2000)
)  # else it takes the fuzzer seconds to find one of just the length that is allowed
URIS = st.builds(lambda host, path, least: (host + path).ljust(least, "x"), HOSTS, PATHS, LONG)

schemathesis.openapi.format("uri", URIS)  # those that may be registered


@schemathesis.hook
def before_call(_context: Any, case: Any, _kwargs: Any) -> None:
    if not case.meta.generation.mode.is_positive:
        return
    _say_what_is_so(case.headers or {}, case.body if isinstance(case.body, dict) else {})
    _ask_for_what_goes_together(case.query or {})
    if case.meta.phase.name.value != "stateful":  # that one makes what it asks for by itself
        _ask_for_what_is_there(case.path_parameters or {})


def _say_what_is_so(headers: Any, body: dict[str, Any]) -> None:
    """A position that the log has, a version that the client has, a moment that is to come, passwords and credentials that are good."""
    for name, value in (("Muniment-Min-Position", "1"), ("If-Match", "*")):
        if name in headers:
            headers[name] = value
    for name in ("expiresUtc", "othersExpireUtc"):
        if body.get(name):
            body[name] = "2100-01-01T00:00:00Z"
    if not str(body.get("backchannelLogoutUri") or "http").startswith("http"):
        body["backchannelLogoutUri"] = "https://app.example.com/logged-out"
    for name, value in NAMES.items():
        if body.get(name) is not None:
            body[name] = value
    if "jwk" in body:
        body["jwk"] = JWK
    if body.get("jwks") is not None:
        body["jwks"] = {"keys": [JWK]}
    if body.get("password"):
        body["password"] = "none of those that are guessed first"
    if "grant_type" in body or "token" in body:
        for name in IN_BODY:  # the credentials are in the header, and nobody may give them twice
            body.pop(name, None)
    if "resource" in body:  # no schema can say which APIs there are; any that is https and none of them may be named
        body["resource"] = "https://api.example.com"
    if "scope" in body:
        body["scope"] = "api:public"


@schemathesis.check
def good_credentials_get_a_token(_context: Any, response: Any, case: Any) -> None:
    """Of other grants and of proofs no schema can say which token, assertion or code is good: those may be refused (schemathesis.toml)."""
    body = case.body if isinstance(case.body, dict) else {}
    is_good = case.meta.generation.mode.is_positive and "DPoP" not in (case.headers or {})
    if case.path == "/openid/token" and is_good and body.get("grant_type") == OF_MACHINES:
        assert response.status_code == 200, response.text


def _ask_for_what_goes_together(query: dict[str, Any]) -> None:
    """The past has neither all orders nor a usage, and a cursor has the value of its own order alone."""
    if query.get("state") == "deleted":
        query.update({name: value for name, value in (("order", "oldest"),) if name in query})
        for name in ("as_of", "usageDays", "expiresWithin"):
            query.pop(name, None)
    if (
        query.get("order") in ("name", "name_descending", "recently_used", "long_unused")
        or {"usageDays", "expiresWithin"} & query.keys()
    ):
        query.pop("as_of", None)
    if "cursor" in query:
        query["cursor"] = str(query["cursor"])[:32]


def _ask_for_what_is_there(path: dict[str, Any]) -> None:
    if "client_id" in path:
        path["client_id"] = API.post("/clients", json={"m2m": True, "botUserId": "fuzzed"}).json()["clientId"]
    if "projection" in path:
        path["projection"] = "clients"
    if "secret_id" in path:
        path["secret_id"] = API.post(f"/clients/{path['client_id']}/secrets", json={}).json()["secretId"]
    if "key_id" in path:
        path["key_id"] = API.post(f"/clients/{path['client_id']}/keys", json={"jwk": JWK}).json()["keyId"]
    if "bot_id" in path:
        path["bot_id"] = API.post("/bots", json={"email": f"{os.urandom(8).hex()}@example.com"}).json()["id"]
    if "user_id" in path:
        path["user_id"] = API.post("/users", json={"email": f"{os.urandom(8).hex()}@example.com"}).json()["id"]

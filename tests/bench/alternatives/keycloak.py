"""Keycloak on Postgres: a realm that signs with ES256, whose clients have the one scope that they ask for."""

from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from itertools import repeat
from pathlib import Path
from typing import Any

import httpx

from tests.bench.alternatives import asking, java
from tests.bench.alternatives.asking import INTROSPECTIONS, REGISTRATIONS, SCOPE, TOKENS, Alternative
from tests.bench.alternatives.building import built, tool
from tests.bench.alternatives.site import ADDRESS, Site
from tests.bench.machine import Server
from tests.bench.peers import CLIENTS

NAME = "Keycloak 26.7.3"
FOLDER = "keycloak-26.7.3"
OPTIONS = ("--db=postgres", "--cache=local")
ADMIN = {"username": "admin", "password": "of-the-benchmark-alone"}
SETTINGS = {
    "KC_HTTP_ENABLED": "true",
    "KC_HTTP_HOST": "127.0.0.1",
    "KC_HOSTNAME": "http://127.0.0.1:{port}",
    "KC_LOG_LEVEL": "warn",
    "KC_DB_POOL_INITIAL_SIZE": "16",
    "KC_DB_POOL_MIN_SIZE": "16",
    "KC_DB_POOL_MAX_SIZE": "16",
    "JAVA_OPTS_APPEND": "-XX:ActiveProcessorCount=1",
}
WARM_SECONDS = 30.0
START_SECONDS = 480
OPENID = "/realms/bench/protocol/openid-connect"
CLIENT: dict[str, Any] = {
    "name": "Salesforce Production Integration",
    "serviceAccountsEnabled": True,
    "standardFlowEnabled": False,
    "fullScopeAllowed": False,
    "defaultClientScopes": [],
    "optionalClientScopes": [SCOPE],
}
KNOWN = [{**CLIENT, "clientId": f"client-{number}", "secret": f"{number:043}"} for number in range(CLIENTS)]
AUDIENCE = {
    "name": "audience",
    "protocol": "openid-connect",
    "protocolMapper": "oidc-audience-mapper",
    "config": {
        "included.client.audience": "client-0",
        "access.token.claim": "true",
        "introspection.token.claim": "true",
    },
}
"""Only a client that is an audience of a token may introspect it."""

ES256 = {
    "name": "es256",
    "providerId": "ecdsa-generated",
    "config": {"priority": ["200"], "ecdsaEllipticCurveKey": ["P-256"]},
}
REALM = {
    "realm": "bench",
    "enabled": True,
    "sslRequired": "none",
    "defaultSignatureAlgorithm": "ES256",
    "accessTokenLifespan": 3600,
    "components": {"org.keycloak.keys.KeyProvider": [ES256]},
    "clientScopes": [
        {
            "name": SCOPE,
            "protocol": "openid-connect",
            "attributes": {"include.in.token.scope": "true"},
            "protocolMappers": [AUDIENCE],
        }
    ],
    "clients": KNOWN,
}


@contextmanager
def on_postgres(site: Site) -> Generator[list[Alternative]]:
    with _running(site) as (server, version):
        bearer = _prepared(server)
        clients = [(each["clientId"], each["secret"]) for each in KNOWN]
        tokens = partial(asking.tokens, f"{OPENID}/token", clients)
        known = asking.issued(server, tokens())
        name, secret = clients[0]
        settings = "; ".join(f"{each}={text}" for each, text in SETTINGS.items())
        yield [
            Alternative(
                name=NAME,
                server=server,
                settings=(
                    f"Java {version}",
                    f"kc.sh build {' '.join(OPTIONS)}",
                    settings,
                    "ES256",
                    "no default client scopes",
                    "registers by its admin API",
                ),
                questions={
                    TOKENS: tokens,
                    REGISTRATIONS: lambda: asking.registrations(
                        "/admin/realms/bench/clients", repeat(CLIENT), f"Authorization: Bearer {bearer}"
                    ),
                    INTROSPECTIONS: lambda: asking.introspections(
                        f"{OPENID}/token/introspect", known, client_id=name, client_secret=secret
                    ),
                },
                keys=f"{OPENID}/certs",
                goals={TOKENS: 13.0},
                warm_seconds=WARM_SECONDS,
            )
        ]


def _prepared(server: Server) -> str:
    """The realm is made; an administrator's token, good for long."""
    host, port = server.address
    with httpx.Client(base_url=f"http://{host}:{port}", timeout=60) as http:

        def signed_in() -> str:
            form = {"grant_type": "password", "client_id": "admin-cli", **ADMIN}
            answer = http.post("/realms/master/protocol/openid-connect/token", data=form)
            return answer.raise_for_status().json()["access_token"]

        def headers() -> dict[str, str]:
            return {"Authorization": f"Bearer {signed_in()}"}

        longer = {"accessTokenLifespan": 36000, "ssoSessionIdleTimeout": 36000, "ssoSessionMaxLifespan": 36000}
        http.put("/admin/realms/master", json=longer, headers=headers()).raise_for_status()
        http.post("/admin/realms", json=REALM, headers=headers()).raise_for_status()
        return signed_in()


@contextmanager
def _running(site: Site) -> Generator[tuple[Server, int]]:
    java_home, version = java.home()
    place = _built(site, java_home)
    database = site.database("keycloak")
    site.say(f"{NAME} starts")
    given = {
        "JAVA_HOME": str(java_home),
        "KC_HTTP_PORT": "{port}",
        "KC_DB_URL": f"jdbc:postgresql://{ADDRESS}:5432/{database.name}",
        "KC_DB_USERNAME": "postgres",
        "KC_DB_PASSWORD": database.password,
        "KC_BOOTSTRAP_ADMIN_USERNAME": ADMIN["username"],
        "KC_BOOTSTRAP_ADMIN_PASSWORD": ADMIN["password"],
        **SETTINGS,
    }
    command = [tool("bash"), place / FOLDER / "bin/kc.sh", "start", "--optimized"]
    with site.running(command, given, seconds=START_SECONDS) as server:
        yield server, version


def _built(site: Site, java_home: Path) -> Path:
    mvn, bash = tool("mvn"), tool("bash")
    return built(
        "keycloak",
        [mvn, "--batch-mode", "--no-transfer-progress", "package"],
        [bash, f"{FOLDER}/bin/kc.sh", "build", *OPTIONS],
        say=site.say,
        environment={"JAVA_HOME": str(java_home)},
    )

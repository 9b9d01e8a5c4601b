"""Reads of the past over HTTP: as of random moments, and the history of one client."""

from collections.abc import Iterator

from tests.bench.history.asking import Asker, at
from tests.bench.history.figures import Figure, Group
from tests.bench.history.samples import Samples

CLIENTS = "/api/v1/auth/clients"
BOTS = "/api/v1/auth/bots"
USERS = "/api/v1/auth/users"
CONSENTS = "/api/v1/auth/consents"
GRANTS = "/api/v1/auth/grants"
KEYS = "/api/v1/auth/signing-keys"
ONE, LIST = 10, 200
"""The most milliseconds of a read of one thing, and of a page of a list."""


def measure(asker: Asker, samples: Samples) -> Group:
    one = [f"{CLIENTS}/{then.client_id}" for then in samples.thens]
    positions = [f"position:{then.position}" for then in samples.thens]
    times = [then.time.isoformat() for then in samples.thens]
    figures = [
        asker.figure("one client, by position", [at(p, as_of=m) for p, m in zip(one, positions, strict=True)], ONE),
        asker.figure("one client, by time", [at(p, as_of=m) for p, m in zip(one, times, strict=True)], ONE),
        *_clients(asker, samples),
        *(
            asker.figure(f"{what}, a page", _then(samples, path), LIST)
            for what, path in (("bots", BOTS), ("users", USERS), ("consents", CONSENTS), ("grants", GRANTS))
        ),
        asker.figure("grants of a user", _then(samples, GRANTS, userId=samples.often["user"]), LIST),
        asker.figure("grants of a client", _then(samples, GRANTS, clientId=samples.often["client"]), LIST),
        asker.figure("signing keys", _then(samples, KEYS), LIST),
        *_histories(asker, samples),
    ]
    return Group(title="The past, over HTTP: as of random moments, pages of 100", figures=figures)


def _clients(asker: Asker, samples: Samples) -> Iterator[Figure]:
    some = samples.thens[0].client_id.removeprefix("oauth_client_")
    asked: dict[str, dict[str, str]] = {
        "the first page": {},
        "a page further on": {"cursor": some},
        "1,000 on a page": {"limit": "1000"},
        "of one owner": {"owner": "owner-7"},
        "of nobody": {"owner": "nobody"},
        "disabled": {"state": "disabled"},
        "of one bot": {"botUserId": samples.bot},
        "with a name that one has": {"displayName": "NUMBER 77 "},
        "with a name that none has": {"displayName": "no such name"},
        "disabled, of one owner, by name": {"owner": "owner-7", "state": "disabled", "displayName": "renamed"},
    }
    for what, query in asked.items():
        yield asker.figure(f"clients, {what}", _then(samples, CLIENTS, **query), LIST)
    moments = [then.time.isoformat() for then in samples.thens]
    yield asker.figure("clients, by time", [at(CLIENTS, as_of=moment) for moment in moments], LIST)


def _then(samples: Samples, path: str, **query: str) -> list[str]:
    return [at(path, as_of=f"position:{position}", **query) for position in samples.positions]


def _histories(asker: Asker, samples: Samples) -> Iterator[Figure]:
    typical = [f"{CLIENTS}/{client_id}/history" for client_id in samples.clients]
    busy = f"{CLIENTS}/{samples.busy_client}/history"
    yield asker.figure("history of one client, with differences", typical, LIST)
    yield asker.figure("history of the client that changed most", [busy] * len(typical), LIST)

"""Reads of the two feeds over HTTP: each filter in both orders, pairs of filters, one page and many."""

import time
from collections.abc import Iterator
from datetime import timedelta
from itertools import combinations, product

from tests.bench.history.asking import Asker, at
from tests.bench.history.figures import Figure, Group, milliseconds
from tests.bench.history.past_reads import LIST
from tests.bench.history.samples import Samples

EVENTS = "/api/v1/audit/events"
TOKENS = "/api/v1/audit/tokens"
ORDERS = ("newest", "oldest")
REPEATED = 10
PAIRS = 10
"""Pairs of filters are tried for so many times as long as one figure takes."""

TYPES = {"often": "client", "rarely": "signing_key.retired"}
AN_HOUR = timedelta(hours=1)


def events(asker: Asker, samples: Samples) -> Group:
    often, rarely = _values(samples)
    figures = [
        *_each(asker, {}, "without a filter"),
        *(figure for name, value in often.items() for figure in _each(asker, {name: value}, f"{name}, often")),
        *(figure for name, value in rarely.items() for figure in _each(asker, {name: value}, f"{name}, rarely")),
        *_pairs(asker, often, rarely),
        asker.figure("from and to random times", _windows(samples, EVENTS), LIST),
        *(
            asker.pages(f"deep paging, {order} first, 1,000 on a page", at(EVENTS, order=order, limit=1000))
            for order in ORDERS
        ),
        asker.pages("deep paging, of one actor", at(EVENTS, actor=often["actor"], limit=1000)),
        asker.figure(
            "from random positions", [at(EVENTS, until=f"position:{each}") for each in samples.positions], LIST
        ),
    ]
    return Group(title="The feed of events, over HTTP, pages of 100", figures=figures)


def _values(samples: Samples) -> tuple[dict[str, str], dict[str, str]]:
    return {**samples.often, "type": TYPES["often"]}, {**samples.rarely, "type": TYPES["rarely"]}


def _each(asker: Asker, query: dict[str, str], what: str) -> Iterator[Figure]:
    for order in ORDERS:
        yield asker.figure(f"{what}, {order} first", [at(EVENTS, order=order, **query)] * REPEATED, LIST)


def _pairs(asker: Asker, often: dict[str, str], rarely: dict[str, str]) -> Iterator[Figure]:
    """Each pair of filters once, and then the pair that took longest again."""
    taken: dict[str, tuple[float, str]] = {}
    until = time.monotonic() + PAIRS * asker.seconds
    kinds = (("often", often), ("rarely", rarely))
    for (a, b), (how_a, of_a), (how_b, of_b), order in product(combinations(often, 2), kinds, kinds, ORDERS):
        if how_a == how_b == "rarely" or (taken and time.monotonic() > until):
            continue
        path = at(EVENTS, order=order, **{a: of_a[a], b: of_b[b]})
        taken[f"{a} ({how_a}) and {b} ({how_b}), {order} first"] = (asker.get(path).seconds, path)
    yield milliseconds("pairs of filters, each once", [seconds for seconds, _ in taken.values()], LIST)
    worst = max(taken, key=lambda name: taken[name][0])
    yield asker.figure(f"the worst pair: {worst}", [taken[worst][1]] * REPEATED, LIST)


def _windows(samples: Samples, path: str) -> list[str]:
    times = [then.time for then in samples.thens]
    return [at(path, since=each.isoformat(), until=(each + AN_HOUR).isoformat()) for each in times]


def tokens(asker: Asker, samples: Samples) -> Group:
    leaked, secret = samples.leaked_client, samples.leaked_secret
    figures = [
        *(
            asker.figure(f"of {what}, {order} first", [at(TOKENS, order=order, **query) for query in queries], LIST)
            for what, queries in _token_queries(samples).items()
            for order in ORDERS
        ),
        asker.figure("from and to random times", _windows(samples, TOKENS), LIST),
        asker.pages("deep paging, of the leaked secret", at(TOKENS, secret=secret), LIST),
        asker.pages("deep paging, of its client, 1,000 on a page", at(TOKENS, client=leaked, limit=1000)),
        asker.pages("deep paging, of a key, 1,000 on a page", at(TOKENS, key=samples.kids[0], limit=1000)),
        asker.pages("deep paging, all, 1,000 on a page", at(TOKENS, limit=1000)),
    ]
    return Group(title="The feed of tokens, over HTTP, pages of 100", figures=figures)


def _token_queries(samples: Samples) -> dict[str, list[dict[str, object]]]:
    asked: dict[str, list[dict[str, object]]] = {
        "the leaked secret": [{"secret": samples.leaked_secret}] * REPEATED,
        "a client": [{"client": client} for client in samples.clients],
        "a secret": [{"secret": secret} for secret in samples.secrets],
        "the bot with most clients": [{"bot": samples.bot}] * REPEATED,
        "an authorization": [{"authorization": each} for each in samples.authorizations],
        "a jti": [{"jti": jti} for jti in samples.jtis],
        "the bot of the leaked secret": [{"subject": samples.leaked_bot}] * REPEATED,
        "a subject without tokens": [{"subject": "nobody"}] * REPEATED,
        "a user": [{"user": samples.often["user"]}] * REPEATED,
        "a client by a key": [{"client": client, "key": samples.kids[0]} for client in samples.clients],
    }
    for kid in samples.kids:
        asked[f"the key {kid}"] = [{"key": kid}] * REPEATED
    return asked

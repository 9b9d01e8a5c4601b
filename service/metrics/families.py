"""Every metric that a serving process counts. docs/metrics.md has them, too."""

from collections.abc import Sequence
from typing import get_args

from events.refusal import WhyNot
from service.metrics.family import Family

GRANTS = (
    *("client_credentials", "authorization_code", "refresh_token"),
    "urn:ietf:params:oauth:grant-type:device_code",
    *("urn:ietf:params:oauth:grant-type:token-exchange", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
)
OTHER, NONE = "other", "none"
METHODS = ("GET", "POST", "PATCH", "DELETE", OTHER)
CODES = (
    *("200", "201", "202", "204", "302", "303", "304"),
    *("400", "401", "403", "404", "405", "406", "409", "412", "413", "415", "428", "429"),
    *("500", "503", OTHER),
)
ISSUED, SERVER_ERROR = "issued", "server_error"
RESULTS = (
    ISSUED,
    *("invalid_request", "invalid_client", "invalid_grant", "invalid_scope", "invalid_target", "unauthorized_client"),
    *("invalid_dpop_proof", "use_dpop_nonce"),
    *("authorization_pending", "slow_down", "access_denied", "expired_token"),
    *("unsupported_grant_type", "temporarily_unavailable", SERVER_ERROR, OTHER),
)
REFUSED: tuple[str, ...] = (*get_args(WhyNot), "authorization", "throttled_requests", "not_permitted", "user_code")
"""The kinds that RefusalsLeftOut counts (events/refusal.py)."""

DOCUMENT_OUTCOMES = (
    *("new", "changed", "unchanged"),
    *("not_fetched", "invalid", "not_allowed", "throttled", "paused"),
)
LOGO_OUTCOMES = ("fetched", "not_fetched", "invalid", "throttled")
FETCHED = ("client_keys", "issuer_keys", "request_object")
FETCH_OUTCOMES = ("fetched", "failed", "busy")
LOGS = ("events", "issuance")
SQLSTATES = ("08", "22", "23", "25", "28", "40", "42", "53", "55", "57", "58", "XX", OTHER)
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
ITEMS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0)

TOKENS = Family(
    name="muniment_token_requests",
    kind="counter",
    text="Requests to the token endpoint, by grant and result: issued, or the error.",
    labels={"grant": (*GRANTS, OTHER), "result": RESULTS},
)
REFUSALS = Family(
    name="muniment_refusals",
    kind="counter",
    text="Refused client authentications, authorizations and requests, by the kind that the log records.",
    labels={"kind": REFUSED},
)
DOCUMENTS = Family(
    name="muniment_client_documents",
    kind="counter",
    text="Client-id metadata documents that were asked for, by outcome: new, changed or unchanged, or why there was none.",
    labels={"outcome": DOCUMENT_OUTCOMES},
)
LOGOS = Family(
    name="muniment_client_logos",
    kind="counter",
    text="Logos of unverified clients that were not in memory, by outcome: fetched, or why there was none.",
    labels={"outcome": LOGO_OUTCOMES},
)
FETCHES = Family(
    name="muniment_remote_fetches",
    kind="counter",
    text="Fetches of key sets of clients and trusted issuers, and of request objects, by outcome.",
    labels={"of": FETCHED, "outcome": FETCH_OUTCOMES},
)
COMMIT_SECONDS = Family(
    name="muniment_commit_duration_seconds",
    kind="histogram",
    text="Seconds of a group commit, by log.",
    labels={"log": LOGS},
    bounds=SECONDS,
)
COMMIT_ITEMS = Family(
    name="muniment_commit_batch_size",
    kind="histogram",
    text="Appends or tokens in a group commit, by log.",
    labels={"log": LOGS},
    bounds=ITEMS,
)
WAITING = Family(
    name="muniment_commit_queue_length",
    kind="gauge",
    text="Appends or tokens that wait for the next group commit, by log.",
    labels={"log": LOGS},
)
LOOKUPS = Family(
    name="muniment_client_lookups",
    kind="counter",
    text="Lookups of a client: a hit is answered from memory, a miss by the database.",
    labels={"result": ("hit", "miss")},
)
CACHED = Family(name="muniment_client_cache_size", kind="gauge", text="Clients in memory.")
POOL = Family(
    name="muniment_pool_connections",
    kind="gauge",
    text="Connections of the pools that read, by state.",
    labels={"state": ("used", "idle")},
)
POOL_LIMIT = Family(name="muniment_pool_connections_limit", kind="gauge", text="Connections that the pools may have.")
DATABASE_ERRORS = Family(
    name="muniment_postgres_errors",
    kind="counter",
    text="Errors from Postgres by class of SQLSTATE; 08 includes lost connections.",
    labels={"sqlstate_class": SQLSTATES},
)
OVERLOADED = ("requests", "commits", "reads", "passwords", "imported_secrets")
OVERLOADS = Family(
    name="muniment_overload_refusals",
    kind="counter",
    text="What was refused with a 503 because too much waited already, by what it waited for.",
    labels={"of": OVERLOADED},
)
UNUSED_CLIENTS = Family(
    name="muniment_unused_clients_deleted",
    kind="counter",
    text="Clients that registered themselves and were deleted because nobody used them.",
)
STREAMS = Family(name="muniment_event_streams", kind="gauge", text="Open live streams of events.")
LEVELS = ("warning", "error")
MESSAGES = Family(
    name="muniment_log_messages",
    kind="counter",
    text="Lines of the process's own log, by level.",
    labels={"level": LEVELS},
)


def http_seconds(routes: Sequence[str]) -> Family:
    return Family(
        name="muniment_http_request_duration_seconds",
        kind="histogram",
        text="Seconds until a response begins, by the template of the route and by method.",
        labels={"route": tuple(routes), "method": METHODS},
        bounds=SECONDS,
        sparse=True,
    )


def http_responses(routes: Sequence[str]) -> Family:
    return Family(
        name="muniment_http_responses",
        kind="counter",
        text="Responses by the template of the route and by status code.",
        labels={"route": (*routes, NONE), "code": CODES},
        sparse=True,
    )


def every(routes: Sequence[str]) -> tuple[Family, ...]:
    return (
        *(TOKENS, REFUSALS, http_seconds(routes), http_responses(routes), COMMIT_SECONDS, COMMIT_ITEMS, WAITING),
        *(
            LOOKUPS,
            CACHED,
            POOL,
            POOL_LIMIT,
            DATABASE_ERRORS,
            OVERLOADS,
            STREAMS,
            MESSAGES,
            UNUSED_CLIENTS,
            DOCUMENTS,
            LOGOS,
            FETCHES,
        ),
    )

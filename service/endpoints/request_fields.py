"""The fields of a client about its authorization requests: where its request objects are, and how recent a sign-in must be."""

from typing import Annotated, Any

from msgspec import UNSET, Meta, UnsetType

from service.configuration.settings import Settings
from service.endpoints.fields import Fields
from service.network import redirect_uri

MOST_REQUEST_URIS = 20

RequestUris = Annotated[
    list[Annotated[str, Meta(max_length=2000)]],
    Meta(
        max_length=MOST_REQUEST_URIS,
        description="The addresses of its signed request objects, `https`: a request may name one of them as `request_uri`. A fragment is "
        "not compared (OpenID Connect Core 1.0 section 6.2).",
    ),
]
DefaultMaxAge = Annotated[
    int,
    Meta(
        ge=0,
        le=999_999_999,
        description="How many seconds ago users may have signed in, where a request has no `max_age`. Null: as long as their session lasts.",
    ),
]
RequireAuthTime = Annotated[
    bool,
    Meta(description="Whether its ID tokens have `auth_time`. Those of every client have it, whatever this says."),
]


def addresses(asked: list[str] | UnsetType) -> tuple[str, ...] | UnsetType:
    return UNSET if asked is UNSET else tuple(dict.fromkeys(asked))


def check(fields: Fields[Any], settings: Settings) -> None:
    for number, uri in enumerate(fields.good("requestUris") or ()):
        for fault in redirect_uri.request_uri_faults(uri, settings.issuer, settings.insecure_http_hosts):
            fields.fault("requestUris", f"[{number}] {fault}")

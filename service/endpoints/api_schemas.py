"""Requests and responses about APIs: one struct each, and the rules of their fields."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

from events.api import Alg, ApiScope, ApiTerms
from service.commands.api import ChangeApi, TermsChange
from service.configuration.settings import LONGEST_TOKEN
from service.endpoints.api_grants import LONGEST_IDENTIFIER
from service.endpoints.fields import Fields
from service.oauth.targets import ABSOLUTE_URI, Known, is_absolute, other_form
from service.values.claim_scopes import SUPPORTED
from service.values.each_once import each_once
from service.values.scopes import IDENTITY, SCOPE
from service.values.text import NAME, SOME_NAME, name_fault, unseen

MOST_SCOPES, MOST_LANGUAGES, MOST_INTROSPECTORS, SHORTEST_TOKEN = 100, 20, 50, 60
LANGUAGE = r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$"
CLAIMS = tuple(name for name in SUPPORTED if name != "sub")

_is_language = re.compile(LANGUAGE).fullmatch

Words = dict[
    Annotated[str, Meta(max_length=40, extra_json_schema={"pattern": LANGUAGE})],
    Annotated[str, Meta(min_length=1, max_length=200, extra_json_schema={"pattern": SOME_NAME})],
]
Scopes = dict[Annotated[str, Meta(pattern=SCOPE, max_length=100)], Words]

Identifier = Annotated[
    str,
    Meta(
        max_length=LONGEST_IDENTIFIER,
        description="The `resource` of requests and the `aud` of tokens: any absolute URI without a fragment, such as "
        "`https://crm.example.com`, `urn:example:crm` or `api://crm`. It never changes.",
        extra_json_schema={"pattern": ABSOLUTE_URI},
    ),
]
ApiName = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=100,
        description="What people call it. The consent page shows it.",
        extra_json_schema={"pattern": NAME},
    ),
]
ApiScopes = Annotated[
    Scopes,
    Meta(
        max_length=MOST_SCOPES,
        description="Its scopes, each with words for the consent page by language: "
        '`{"crm:read": {"en": "Read your contacts", "de": "Deine Kontakte lesen"}}`. A scope is unique in its API: another API may have '
        "one of the same name.",
    ),
]
Algorithm = Annotated[
    Alg,
    Meta(
        description="The algorithm that signs its access tokens. If null, the client or MUNIMENT_ACCESS_TOKEN_ALG decides."
    ),
]
Lifetime = Annotated[
    int,
    Meta(
        ge=SHORTEST_TOKEN,
        le=LONGEST_TOKEN,
        description="How long its access tokens live at most, in seconds. They never live longer than MUNIMENT_TOKEN_LIFETIME; if null, so long.",
    ),
]
DpopRequired = Annotated[
    bool, Meta(description="Whether its tokens must be bound to a key of the client by DPoP (RFC 9449).")
]
MtlsRequired = Annotated[
    bool, Meta(description="Whether its tokens must be bound to a certificate of the client (RFC 8705).")
]
TokenClaims = Annotated[
    list[str],
    Meta(
        max_length=len(CLAIMS),
        description="The claims about the user that its access tokens have (RFC 9068 section 2.2.2), if the user lets it have them.",
        extra_json_schema={"items": {"type": "string", "enum": list(CLAIMS)}},
    ),
]
Introspectors = Annotated[
    list[Annotated[str, Meta(max_length=255)]],
    Meta(
        max_length=MOST_INTROSPECTORS,
        description="The `clientId`s of those who may introspect its tokens: the API's own servers.",
    ),
]
AnyClient = Annotated[
    bool,
    Meta(
        description="Whether any interactive client may ask a user for its scopes, also one that nobody granted it: the user "
        "decides. Machines, and clients that skip the consent of users (`firstParty`), are granted it one by one even so."
    ),
]


class CreateApiRequest(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Request to register an API (a resource server)."""

    identifier: Identifier
    name: ApiName
    scopes: ApiScopes = {}
    access_token_signed_response_alg: Algorithm | None = None
    access_token_lifetime: Lifetime | None = None
    dpop_required: DpopRequired = False
    mtls_required: MtlsRequired = False
    access_token_claims: TokenClaims = []
    introspectors: Introspectors = []
    any_client: AnyClient = False


class ChangeApiRequest(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """An omitted field stays as it is. A list, and the scopes, are replaced as a whole."""

    name: ApiName | UnsetType = UNSET
    scopes: ApiScopes | UnsetType = UNSET
    access_token_signed_response_alg: Algorithm | UnsetType | None = UNSET
    access_token_lifetime: Lifetime | UnsetType | None = UNSET
    dpop_required: DpopRequired | UnsetType = UNSET
    mtls_required: MtlsRequired | UnsetType = UNSET
    access_token_claims: TokenClaims | UnsetType = UNSET
    introspectors: Introspectors | UnsetType = UNSET
    any_client: AnyClient | UnsetType = UNSET


class Api(Struct, frozen=True, kw_only=True, rename="camel"):
    """An API (a resource server): what tokens can be for."""

    id: str
    identifier: str
    name: str
    scopes: Scopes
    access_token_signed_response_alg: Algorithm | None
    access_token_lifetime: Annotated[int, Meta(description="In seconds.")] | None
    dpop_required: bool
    mtls_required: bool
    access_token_claims: list[str]
    introspectors: list[str]
    any_client: bool
    built_in: Annotated[
        bool,
        Meta(
            description="Whether it is one of the server's own, which settings make. Clients have it by their `scopes`, and need no grant."
        ),
    ]
    created_utc: (
        Annotated[datetime, Meta(tz=True, description="When it was registered; null for the server's own.")] | None
    )


def check_new(fields: Fields[CreateApiRequest], known: Known) -> None:
    identifier = fields.good("identifier")
    if identifier is not None and not is_absolute(identifier):
        fields.fault(
            "identifier",
            "must be an absolute URI without a fragment, such as https://crm.example.com or urn:example:crm",
        )
    elif identifier in known.reserved or (identifier and other_form(identifier) in known.reserved):
        fields.fault("identifier", "is the server's own; clients have its scopes by `scopes`")
    check(fields)


def check(fields: Fields[Any]) -> None:
    scopes: Scopes = fields.good("scopes") or {}
    for scope, words in scopes.items():
        for fault in _scope_faults(scope, words):
            fields.fault("scopes", f"{scope}: {fault}")
    unknown = [name for name in fields.good("accessTokenClaims") or () if name not in CLAIMS]
    if unknown:
        fields.fault("accessTokenClaims", f"has unknown claims; known are: {', '.join(CLAIMS)}")


def _scope_faults(scope: str, words: Mapping[str, str]) -> list[str]:
    return [
        *(["has a comma; spaces separate scopes, and a comma is a typing error"] if "," in scope else []),
        *(["is a scope of OpenID Connect, which no API can have"] if scope in IDENTITY else []),
        *([f"has words in more than {MOST_LANGUAGES} languages"] if len(words) > MOST_LANGUAGES else []),
        *([] if all(map(_is_language, words)) else ["has words in what is no language; write en, de or pt-BR"]),
        *(
            []
            if all(map(_is_seen, words.values()))
            else ["has words that people could not see, or that begin or end with a space"]
        ),
    ]


def _is_seen(text: str) -> bool:
    return unseen(text) is None and name_fault(text) is None


def terms_of(asked: CreateApiRequest) -> ApiTerms:
    return change_of(asked).change.after(ApiTerms(name=asked.name))


def change_of(asked: CreateApiRequest | ChangeApiRequest) -> ChangeApi:
    scopes = asked.scopes
    change = TermsChange(
        name=asked.name,
        scopes=UNSET if scopes is UNSET else tuple(ApiScope(name=name, words=words) for name, words in scopes.items()),
        access_token_alg=asked.access_token_signed_response_alg,
        token_lifetime=asked.access_token_lifetime,
        dpop_required=asked.dpop_required,
        mtls_required=asked.mtls_required,
        claims=each_once(asked.access_token_claims),
        introspectors=each_once(asked.introspectors),
        any_client=asked.any_client,
    )
    return ChangeApi(change=change)

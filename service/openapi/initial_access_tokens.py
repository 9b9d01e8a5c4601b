"""/api/v1/auth/initial-access-tokens, as the API reference describes it."""

from service.endpoints.initial_access_tokens import PATH
from service.endpoints.initial_token_schemas import (
    CreateInitialAccessTokenRequest,
    CreateInitialAccessTokenResponse,
    InitialAccessToken,
)
from service.openapi.operation import Content, Example, Operation, Parameter, ResponseSpec
from service.openapi.parts import AS_OF, CURSOR, IDEMPOTENCY_KEY, LIMIT
from service.openapi.resource import Resource
from service.problems import Clash, NotFound, NotJson, TooLarge
from service.values.scopes import CLIENTS_READ, CLIENTS_WRITE

TOKEN_ID = Parameter(
    name="token_id",
    place="path",
    description="The `id` of the initial access token.",
    schema={"type": "string", "format": "uuid"},
    example="0199f3a5-7c1e-7d0a-9b43-2f6f0d1c8e55",
)
ONE = f"{PATH}/{{token_id}}"
TAG = "Initial access tokens"
SHOWN = {
    "id": "0199f3a5-7c1e-7d0a-9b43-2f6f0d1c8e55",
    "name": "agents of the support team",
    "hint": "…Xy4k",
    "owner": "alice",
    "scopes": ["api:public"],
    "machineClients": False,
    "uses": 25,
    "used": 3,
    "state": "active",
    "createdUtc": "2026-03-03T14:02:00Z",
    "expiresUtc": "2026-06-01T00:00:00Z",
    "lastUsedUtc": "2026-03-04T09:30:00Z",
}
ONE_TOKEN = Resource(path=ONE, id=TOKEN_ID, tag=TAG, scope=CLIENTS_WRITE)

INITIAL_ACCESS_TOKENS = (
    Operation(
        method="post",
        path=PATH,
        operation_id="createInitialAccessToken",
        summary="Create an initial access token",
        tag=TAG,
        description="With it, clients register themselves at `/openid/register` (RFC 7591 section 3), unless the setting "
        "`MUNIMENT_DYNAMIC_REGISTRATION` is `off`. You own these clients.",
        scope=CLIENTS_WRITE,
        parameters=(IDEMPOTENCY_KEY,),
        request=Content(
            shape=CreateInitialAccessTokenRequest,
            examples={
                "team": Example(
                    summary="Up to 25 clients until June",
                    value={
                        "name": "agents of the support team",
                        "scopes": ["api:public"],
                        "uses": 25,
                        "expiresUtc": "2026-06-01T00:00:00Z",
                    },
                )
            },
        ),
        answers=(
            ResponseSpec(
                status=201,
                description="The token.",
                shape=CreateInitialAccessTokenResponse,
                headers=("Location", "Muniment-Position", "Idempotent-Replayed"),
                example={"id": SHOWN["id"], "token": "initial_a1b2c3"},
                leads_to={
                    name: {"token_id": "$response.body#/id"}
                    for name in ("readInitialAccessToken", "deleteInitialAccessToken")
                },
            ),
        ),
        refusals=(Clash, TooLarge, NotJson),
    ),
    Operation(
        method="get",
        path=PATH,
        operation_id="listInitialAccessTokens",
        summary="List initial access tokens",
        tag=TAG,
        description="Yours, oldest first; an operator and an auditor see all. Also those that are used up, expired or revoked.",
        scope=CLIENTS_READ,
        parameters=(LIMIT, CURSOR, AS_OF),
        answers=(
            ResponseSpec(
                description="One page of initial access tokens.",
                shape=list[InitialAccessToken],
                headers=("Link", "Muniment-Position"),
                example=[SHOWN],
            ),
        ),
    ),
    Operation(
        method="get",
        path=ONE,
        operation_id="readInitialAccessToken",
        summary="Read an initial access token",
        tag=TAG,
        scope=CLIENTS_READ,
        parameters=(TOKEN_ID, AS_OF),
        answers=(
            ResponseSpec(
                description="The initial access token.",
                shape=InitialAccessToken,
                headers=("ETag", "Muniment-Position"),
                example=SHOWN,
            ),
        ),
        refusals=(NotFound,),
    ),
    ONE_TOKEN.delete(
        "deleteInitialAccessToken",
        "Revoke an initial access token",
        "It registers no more clients. Those that it registered stay.",
    ),
)

"""/api/v1/auth/apis, as the API reference describes it."""

from service.endpoints.api_schemas import Api, ChangeApiRequest, CreateApiRequest
from service.endpoints.apis import PATH
from service.openapi.operation import Content, Example, Operation, Parameter, ResponseSpec
from service.openapi.parts import AS_OF, CURSOR, IDEMPOTENCY_KEY, IF_MATCH_REQUIRED, LIMIT
from service.openapi.resource import Resource
from service.problems import Clash, NoPrecondition, NotFound, NotJson, Stale, TooLarge
from service.values.scopes import CLIENTS_READ, OPERATE

API_ID = Parameter(
    name="api_id",
    place="path",
    description="The `id` that registration returned; `default` and `management` are the server's own.",
    schema={"type": "string"},
    example="api_6f0d1c8e550f8a57bc1e7d0a9b432f6f",
)
ONE = f"{PATH}/{{api_id}}"
TAG = "APIs"
SCOPES = {
    "crm:read": {"en": "Read your contacts", "de": "Deine Kontakte lesen"},
    "crm:write": {"en": "Change your contacts", "de": "Deine Kontakte ändern"},
}
SHOWN = {
    "id": "api_6f0d1c8e550f8a57bc1e7d0a9b432f6f",
    "identifier": "https://crm.example.com",
    "name": "CRM",
    "scopes": SCOPES,
    "accessTokenSignedResponseAlg": None,
    "accessTokenLifetime": 600,
    "dpopRequired": False,
    "mtlsRequired": False,
    "accessTokenClaims": [],
    "introspectors": ["oauth_client_0199f3a57c1e7d0a9b432f6f0d1c8e55"],
    "anyClient": False,
    "builtIn": False,
    "createdUtc": "2026-03-03T14:02:00Z",
}
ONE_API = Resource(path=ONE, id=API_ID, tag=TAG, scope=OPERATE)

APIS = (
    Operation(
        method="post",
        path=PATH,
        operation_id="createApi",
        summary="Register an API",
        tag=TAG,
        description="Grant it to clients afterwards, by their field `apis`. From now on, only they may name its identifier as `resource`.",
        scope=OPERATE,
        parameters=(IDEMPOTENCY_KEY,),
        request=Content(
            shape=CreateApiRequest,
            examples={
                "scopes": Example(
                    summary="An API with two scopes",
                    value={
                        "identifier": "https://crm.example.com",
                        "name": "CRM",
                        "scopes": SCOPES,
                        "accessTokenLifetime": 600,
                    },
                ),
                "mcp": Example(
                    summary="An MCP server that every client may ask a user for",
                    value={"identifier": "https://tools.example.com/mcp", "name": "Tools", "anyClient": True},
                ),
            },
        ),
        answers=(
            ResponseSpec(
                status=201,
                description="The API.",
                shape=Api,
                headers=("Location", "Muniment-Position", "Idempotent-Replayed"),
                example=SHOWN,
                leads_to={name: {"api_id": "$response.body#/id"} for name in ("readApi", "changeApi", "deleteApi")},
            ),
        ),
        refusals=(Clash, TooLarge, NotJson),
    ),
    Operation(
        method="get",
        path=PATH,
        operation_id="listApis",
        summary="List APIs",
        tag=TAG,
        description="The server's own first: the default audience and the management API. They are in no list with `as_of`.",
        scope=CLIENTS_READ,
        parameters=(
            LIMIT,
            CURSOR,
            AS_OF,
            Parameter(
                name="identifier",
                place="query",
                description="Only the API with this identifier.",
                schema={"type": "string"},
            ),
        ),
        answers=(
            ResponseSpec(
                description="One page of APIs.",
                shape=list[Api],
                headers=("Link", "Muniment-Position"),
                example=[SHOWN],
            ),
        ),
    ),
    Operation(
        method="get",
        path=ONE,
        operation_id="readApi",
        summary="Read an API",
        tag=TAG,
        scope=CLIENTS_READ,
        parameters=(API_ID, AS_OF),
        answers=(
            ResponseSpec(description="The API.", shape=Api, headers=("ETag", "Muniment-Position"), example=SHOWN),
        ),
        refusals=(NotFound,),
    ),
    Operation(
        method="patch",
        path=ONE,
        operation_id="changeApi",
        summary="Change an API",
        tag=TAG,
        description="Changes the fields that are given (JSON Merge Patch, with `scopes` as a whole). Its `identifier` never changes. "
        "Clients keep a scope that the API has no more, but get it in no token.",
        scope=OPERATE,
        parameters=(API_ID, IF_MATCH_REQUIRED),
        request=Content(
            shape=ChangeApiRequest,
            examples={
                "strict": Example(
                    summary="Shorter tokens, bound to a key", value={"accessTokenLifetime": 300, "dpopRequired": True}
                )
            },
        ),
        answers=(
            ResponseSpec(
                description="The API after the change.",
                shape=Api,
                headers=("ETag", "Muniment-Position"),
                example=SHOWN,
            ),
        ),
        refusals=(NotFound, Clash, Stale, NoPrecondition, TooLarge, NotJson),
    ),
    ONE_API.delete(
        "deleteApi",
        "Delete an API",
        "It is withdrawn from every client. Tokens that were issued for it stay valid until they expire. It can be registered again.",
    ),
)

"""/api/v1/auth/clients, as the reference tells it."""

from pathlib import Path

from service.endpoints.client_schemas import (
    CreateOAuthClientRequest,
    CreateOAuthClientResponse,
    DeletedClients,
    ListedClient,
)
from service.endpoints.client_settings import ChangeOAuthClientRequest, OAuthClient
from service.endpoints.clients import PATH, STATES
from service.openapi.operation import Content, Example, Operation, Parameter, ResponseSpec
from service.openapi.parts import CURSOR, IDEMPOTENCY_KEY, IF_MATCH_REQUIRED, LIMIT
from service.openapi.resource import Resource
from service.problems import Clash, NoPrecondition, NotFound, NotJson, Stale, TooLarge
from service.values.scopes import CLIENTS_READ, CLIENTS_WRITE

REGISTER = (Path(__file__).parent / "texts" / "register.md").read_text(encoding="utf-8")

CLIENT_ID = Parameter(
    name="client_id",
    place="path",
    description="The `clientId` that registration answered.",
    schema={"type": "string"},
    example="oauth_client_abc123xyz",
)
ONE = f"{PATH}/{{client_id}}"
SHOWN = {
    "clientId": "oauth_client_abc123xyz",
    "displayName": "Salesforce Production Integration",
    "m2m": True,
    "botUserId": "bot-abc123",
    "redirectUris": [],
    "scopes": ["api:public"],
    "state": "active",
    "owner": "operator",
    "createdUtc": "2026-03-03T14:02:00Z",
    "lastUsedUtc": None,
    "accessTokenSignedResponseAlg": None,
}
LISTED = {name: SHOWN[name] for name in ListedClient.__struct_encode_fields__}
REGISTERED = {"client_id": "$response.body#/clientId"}
CHANGED = ResponseSpec(
    description="The client, as it is now.",
    shape=OAuthClient,
    headers=("ETag", "Muniment-Position"),
    example=SHOWN,
)

ONE_CLIENT = Resource(path=ONE, id=CLIENT_ID, tag="Clients", scope=CLIENTS_WRITE)

CLIENTS = (
    Operation(
        method="post",
        path=PATH,
        operation_id="createOAuthClient",
        summary="Create OAuth client",
        tag="Clients",
        description=REGISTER,
        scope=CLIENTS_WRITE,
        parameters=(IDEMPOTENCY_KEY,),
        request=Content(
            shape=CreateOAuthClientRequest,
            description="Client registration details",
            examples={
                "m2m": Example(
                    summary="M2M client",
                    value={
                        "displayName": "Salesforce Production Integration",
                        "redirectUri": "https://myapp.example.com/oauth/callback",
                        "m2m": True,
                        "botUserId": "bot-abc123",
                    },
                ),
                "interactive": Example(
                    summary="Interactive client",
                    value={
                        "displayName": "My Web App",
                        "redirectUri": "https://myapp.example.com/oauth/callback",
                        "m2m": False,
                    },
                ),
                "public": Example(
                    summary="Native app, single-page app or agent: no secret",
                    value={
                        "displayName": "My Desktop App",
                        "redirectUri": "http://127.0.0.1/callback",
                        "m2m": False,
                        "public": True,
                        "postLogoutRedirectUris": ["http://127.0.0.1/signed-out"],
                    },
                ),
            },
        ),
        answers=(
            ResponseSpec(
                status=201,
                description="The client, and its secret: in this answer and never again. A public client has none.",
                shape=CreateOAuthClientResponse,
                headers=("Location", "Muniment-Position", "Idempotent-Replayed"),
                example={
                    "clientId": "oauth_client_abc123xyz",
                    "clientSecret": "secret_9876543210zyxwvutsrqponmlkjihgfedcba",
                },
                leads_to=dict.fromkeys(
                    (
                        "readOAuthClient",
                        "changeOAuthClient",
                        "deleteOAuthClient",
                        "disableOAuthClient",
                        "enableOAuthClient",
                        "listClientSecrets",
                        "addClientSecret",
                    ),
                    REGISTERED,
                ),
            ),
        ),
        refusals=(Clash, TooLarge, NotJson),
    ),
    Operation(
        method="get",
        path=PATH,
        operation_id="listOAuthClients",
        summary="List OAuth clients",
        tag="Clients",
        description="Your own clients, oldest first, without secrets; with the scope `operate`, everybody's.",
        scope=CLIENTS_READ,
        parameters=(
            LIMIT,
            CURSOR,
            Parameter(
                name="botUserId",
                place="query",
                description="Only those that act as this bot.",
                schema={"type": "string", "pattern": "^[^\\x00]*$"},
            ),
            Parameter(
                name="state",
                place="query",
                description="Only those in this state.",
                schema={"type": "string", "enum": list(STATES)},
            ),
            Parameter(
                name="displayName",
                place="query",
                description="Only those with this in their name, in upper or lower case.",
                schema={"type": "string", "pattern": "^[^\\x00]*$"},
            ),
            Parameter(
                name="owner",
                place="query",
                description="Only this caller's. Without the scope `operate` you see your own, whatever is asked.",
                schema={"type": "string", "pattern": "^[^\\x00]*$"},
            ),
        ),
        answers=(
            ResponseSpec(
                description="One page of them.", shape=list[ListedClient], headers=("Link",), example=[LISTED]
            ),
        ),
    ),
    Operation(
        method="delete",
        path=PATH,
        operation_id="deleteAllOAuthClients",
        summary="Delete all your OAuth clients",
        tag="Clients",
        description="For security incidents: immediately invalidates every access token issued to any client of yours, "
        "and no client of anybody else's.",
        scope=CLIENTS_WRITE,
        answers=(ResponseSpec(description="How many there were.", shape=DeletedClients, example={"deleted": 3}),),
        refusals=(Clash,),
    ),
    Operation(
        method="get",
        path=ONE,
        operation_id="readOAuthClient",
        summary="Read an OAuth client",
        tag="Clients",
        scope=CLIENTS_READ,
        parameters=(CLIENT_ID,),
        answers=(
            ResponseSpec(description="The client, as it is now.", shape=OAuthClient, headers=("ETag",), example=SHOWN),
        ),
        refusals=(NotFound,),
    ),
    Operation(
        method="patch",
        path=ONE,
        operation_id="changeOAuthClient",
        summary="Change an OAuth client",
        tag="Clients",
        description="What is left out stays as it is. You can give a client only scopes that you hold yourself, and scopes of "
        "this API only to a client that acts as yourself (with the scope `operate`: to any, and every scope of other APIs). "
        "`requirePkce` and what follows it are for interactive clients; `firstParty` takes the scope `operate`, and so does "
        "whatever widens what a `firstParty` client can do, unless the same request sets `firstParty` to false. Whether a client "
        "is public never changes.",
        scope=CLIENTS_WRITE,
        parameters=(CLIENT_ID, IF_MATCH_REQUIRED),
        request=Content(
            shape=ChangeOAuthClientRequest,
            examples={
                "name": Example(summary="Another name", value={"displayName": "Salesforce Staging Integration"}),
                "logout": Example(
                    summary="An interactive client that hears of logouts",
                    value={
                        "postLogoutRedirectUris": ["https://myapp.example.com/signed-out"],
                        "backchannelLogoutUri": "https://myapp.example.com/oauth/logged-out",
                    },
                ),
            },
        ),
        answers=(CHANGED,),
        refusals=(NotFound, Clash, Stale, TooLarge, NotJson, NoPrecondition),
    ),
    ONE_CLIENT.delete(
        "deleteOAuthClient",
        "Delete an OAuth client",
        "Immediately invalidates all access tokens issued to this client. Its id is never used again.",
    ),
    ONE_CLIENT.post(
        "disable",
        "disableOAuthClient",
        "Disable an OAuth client",
        "It gets no token, and its access tokens stop working, until it is enabled again.",
        CHANGED,
    ),
    ONE_CLIENT.post(
        "enable",
        "enableOAuthClient",
        "Enable an OAuth client",
        "The opposite of disabling it. What an operator disabled, only an operator enables (scope `operate`).",
        CHANGED,
    ),
)

"""/api/v1/auth/clients, as the API reference describes it."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from msgspec import json

from projections.clients import Row
from service.endpoints.client_schemas import (
    CreateOAuthClientRequest,
    CreateOAuthClientResponse,
    DeletedClients,
    ListedClient,
)
from service.endpoints.client_settings import ChangeOAuthClientRequest, OAuthClient, shown
from service.endpoints.clients import MOST_AHEAD, MOST_DAYS, ORDERS, PATH, STATES, listed
from service.openapi.operation import Content, Example, Operation, Parameter, ResponseSpec
from service.openapi.parts import AS_OF, CURSOR_OF_SORTED, IDEMPOTENCY_KEY, IDS, IF_MATCH_REQUIRED, LIMIT
from service.openapi.resource import Resource
from service.problems import Clash, NoPrecondition, NotFound, NotJson, Stale, TooLarge
from service.values.scopes import CLIENTS_READ, CLIENTS_WRITE

REGISTER = (Path(__file__).parent / "texts" / "register.md").read_text(encoding="utf-8")

CLIENT_ID = Parameter(
    name="client_id",
    place="path",
    description="The `clientId` that registration returned.",
    schema={"type": "string"},
    example="oauth_client_abc123xyz",
)
ONE = f"{PATH}/{{client_id}}"
ROW = Row(
    stream_id=UUID(int=0),
    client_id="oauth_client_abc123xyz",
    owner="operator",
    grant_type="client_credentials",
    bot_user_id="bot-abc123",
    display_name="Salesforce Production Integration",
    redirect_uris=(),
    scopes=("api:public",),
    secrets=(),
    state="active",
    created_at=datetime(2026, 3, 3, 14, 2, tzinfo=UTC),
    version=1,
    public=False,
    login=None,
)
SHOWN: dict[str, Any] = json.decode(json.encode(shown(ROW, None)))
DAYS = [0, 0, 118, 126, 97, 131, 120]
LISTED: dict[str, Any] = json.decode(json.encode(listed(ROW, None))) | {
    "dailyTokens": DAYS,
    "lastUsedUtc": "2026-11-03T14:02:00Z",
    "oldestSecretUtc": "2026-03-03T14:02:00Z",
    "nextExpiryUtc": "2027-03-03T14:02:00Z",
}
REGISTERED = {"client_id": "$response.body#/clientId"}
CHANGED = ResponseSpec(
    description="The changed client.",
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
                "delegate": Example(
                    summary="Agent that acts for the users of another client (requires the scope operate)",
                    value={
                        "displayName": "Sales agent",
                        "m2m": True,
                        "botUserId": "bot-abc123",
                        "tokenExchange": [
                            {
                                "clients": ["oauth_client_0192f3a1c5d87cc4a1b2c3d4e5f60718"],
                                "audiences": ["https://crm.example.com"],
                                "scopes": ["crm:read"],
                            }
                        ],
                        "identityAssertions": [
                            {"audience": "https://chat.example", "clientId": "sales-agent", "scopes": ["chat"]}
                        ],
                    },
                ),
            },
        ),
        answers=(
            ResponseSpec(
                status=201,
                description="The client and its secret, which is shown only in this response. A public client has none.",
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
        description="Your own clients, oldest first, without secrets; with the scope `operate` or `audit:read`, all clients.",
        scope=CLIENTS_READ,
        parameters=(
            LIMIT,
            CURSOR_OF_SORTED,
            AS_OF,
            IDS,
            Parameter(
                name="botUserId",
                place="query",
                description="Only clients that act as this bot.",
                schema={"type": "string", "pattern": "^[^\\x00]*$"},
            ),
            Parameter(
                name="state",
                place="query",
                description="Only clients in this state. Those that are `deleted` are in no other list; of them there is no usage, and no order but "
                "`oldest` and `newest`.",
                schema={"type": "string", "enum": list(STATES)},
            ),
            Parameter(
                name="displayName",
                place="query",
                description="Only clients whose name contains this text, in upper or lower case.",
                schema={"type": "string", "pattern": "^[^\\x00]*$"},
            ),
            Parameter(
                name="owner",
                place="query",
                description="Only clients of this owner. Without the scope `operate` or `audit:read` you always see only your own.",
                schema={"type": "string", "pattern": "^[^\\x00]*$"},
            ),
            Parameter(
                name="scope",
                place="query",
                description="Only clients that may have this scope.",
                schema={"type": "string", "pattern": "^[^\\x00]*$"},
                example="crm:read",
            ),
            Parameter(
                name="api",
                place="query",
                description="Only clients that are granted the API with this identifier.",
                schema={"type": "string", "pattern": "^[^\\x00]*$"},
            ),
            Parameter(
                name="order",
                place="query",
                description="Which clients come first. By `name`, upper and lower case are the same; `recently_used` begins with the "
                "client that got the last token, `long_unused` with the one that has got none for the longest time. Clients without a name, "
                "and those that never got a token, come last. Only `oldest` and `newest` can be combined with `as_of`.",
                schema={"type": "string", "enum": list(ORDERS), "default": ORDERS[0]},
            ),
            Parameter(
                name="q",
                place="query",
                description="Only clients that have this text in their name or client_id, in upper or lower case.",
                schema={"type": "string", "pattern": "^[^\\x00]*$"},
            ),
            Parameter(
                name="expiresWithin",
                place="query",
                description="Only clients of which a live secret expires within so many days. Not together with `as_of`.",
                schema={"type": "integer", "minimum": 1, "maximum": MOST_AHEAD},
                example=30,
            ),
            Parameter(
                name="usageDays",
                place="query",
                description="Shows in `dailyTokens` how many tokens each client got on each of so many days. Not together with `as_of`.",
                schema={"type": "integer", "minimum": 1, "maximum": MOST_DAYS},
                example=7,
            ),
        ),
        answers=(
            ResponseSpec(
                description="One page of clients.",
                shape=list[ListedClient],
                headers=("Link", "Muniment-Position"),
                example=[LISTED],
            ),
        ),
    ),
    Operation(
        method="delete",
        path=PATH,
        operation_id="deleteAllOAuthClients",
        summary="Delete all your OAuth clients",
        tag="Clients",
        description="For security incidents: immediately invalidates every access token issued to any of your clients. "
        "Clients of other owners are not affected.",
        scope=CLIENTS_WRITE,
        answers=(
            ResponseSpec(description="How many clients were deleted.", shape=DeletedClients, example={"deleted": 3}),
        ),
        refusals=(Clash,),
    ),
    Operation(
        method="get",
        path=ONE,
        operation_id="readOAuthClient",
        summary="Read an OAuth client",
        tag="Clients",
        scope=CLIENTS_READ,
        parameters=(CLIENT_ID, AS_OF),
        answers=(
            ResponseSpec(
                description="The client.", shape=OAuthClient, headers=("ETag", "Muniment-Position"), example=SHOWN
            ),
        ),
        refusals=(NotFound,),
    ),
    Operation(
        method="patch",
        path=ONE,
        operation_id="changeOAuthClient",
        summary="Change an OAuth client",
        tag="Clients",
        description="An omitted field stays as it is. You can give a client only scopes that you have yourself, and scopes of "
        "this API only to a client that acts as yourself (with the scope `operate`: to any client, and every scope of other APIs). "
        "`requirePkce` and the fields after it are for interactive clients. `firstParty` requires the scope `operate`; so does "
        "a change that lets a `firstParty` client do more, unless the same request sets `firstParty` to false. A client never "
        "changes between public and confidential.",
        scope=CLIENTS_WRITE,
        parameters=(CLIENT_ID, IF_MATCH_REQUIRED),
        request=Content(
            shape=ChangeOAuthClientRequest,
            examples={
                "name": Example(summary="Another name", value={"displayName": "Salesforce Staging Integration"}),
                "logout": Example(
                    summary="An interactive client that is notified of logouts",
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
        "Immediately invalidates all access tokens issued to this client. Its id is never used for another client.",
    ),
    ONE_CLIENT.post(
        "disable",
        "disableOAuthClient",
        "Disable an OAuth client",
        "Until it is enabled again, it gets no tokens and its access tokens are inactive.",
        CHANGED,
    ),
    ONE_CLIENT.post(
        "enable",
        "enableOAuthClient",
        "Enable an OAuth client",
        "Reverses disabling. Only an operator (scope `operate`) can enable what an operator disabled.",
        CHANGED,
    ),
)

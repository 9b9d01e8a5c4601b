"""/api/v1/auth/bots, as the API reference describes it."""

from service.endpoints.bot_schemas import Bot, CreateBotRequest
from service.endpoints.bots import PATH
from service.openapi.operation import Content, Example, Operation, Parameter, ResponseSpec
from service.openapi.parts import AS_OF, CURSOR, IDEMPOTENCY_KEY, IDS, LIMIT
from service.openapi.resource import Resource
from service.problems import Clash, NotFound, NotJson, TooLarge
from service.values.scopes import BOTS_READ, BOTS_WRITE

BOT_ID = Parameter(
    name="bot_id",
    place="path",
    description="The `id` that registration returned.",
    schema={"type": "string"},
    example="bot_0199f3a57c1e7d0a9b432f6f0d1c8e55",
)
ONE = f"{PATH}/{{bot_id}}"
SHOWN = {
    "id": "bot_0199f3a57c1e7d0a9b432f6f0d1c8e55",
    "email": "crm-bot@example.com",
    "firstName": "CRM",
    "lastName": "Bot",
    "fullName": "CRM Bot",
    "owner": "operator",
    "state": "active",
    "createdUtc": "2026-03-03T14:02:00Z",
}

ONE_BOT = Resource(path=ONE, id=BOT_ID, tag="Bots", scope=BOTS_WRITE)

BOTS = (
    Operation(
        method="post",
        path=PATH,
        operation_id="createBot",
        summary="Create a bot",
        tag="Bots",
        description="Give its `id` as the `botUserId` of the clients that act as it.",
        scope=BOTS_WRITE,
        parameters=(IDEMPOTENCY_KEY,),
        request=Content(
            shape=CreateBotRequest,
            examples={
                "named": Example(
                    summary="A bot with a name",
                    value={"email": "crm-bot@example.com", "firstName": "CRM", "lastName": "Bot"},
                )
            },
        ),
        answers=(
            ResponseSpec(
                status=201,
                description="The bot.",
                shape=Bot,
                headers=("Location", "Muniment-Position", "Idempotent-Replayed"),
                example=SHOWN,
                leads_to={
                    name: {"bot_id": "$response.body#/id"}
                    for name in ("readBot", "disableBot", "enableBot", "deleteBot")
                },
            ),
        ),
        refusals=(Clash, TooLarge, NotJson),
    ),
    Operation(
        method="get",
        path=PATH,
        operation_id="listBots",
        summary="List bots",
        tag="Bots",
        description="Your own bots, oldest first; with the scope `operate` or `audit:read`, all bots.",
        scope=BOTS_READ,
        parameters=(LIMIT, CURSOR, AS_OF, IDS),
        answers=(
            ResponseSpec(
                description="One page of bots.", shape=list[Bot], headers=("Link", "Muniment-Position"), example=[SHOWN]
            ),
        ),
    ),
    Operation(
        method="get",
        path=ONE,
        operation_id="readBot",
        summary="Read a bot",
        tag="Bots",
        scope=BOTS_READ,
        parameters=(BOT_ID, AS_OF),
        answers=(
            ResponseSpec(description="The bot.", shape=Bot, headers=("ETag", "Muniment-Position"), example=SHOWN),
        ),
        refusals=(NotFound,),
    ),
    ONE_BOT.delete("deleteBot", "Delete a bot", "Deletes its clients too, which invalidates all their access tokens."),
    ONE_BOT.post(
        "disable",
        "disableBot",
        "Disable a bot",
        "Until it is enabled again, its clients get no tokens and their access tokens are inactive.",
    ),
    ONE_BOT.post(
        "enable",
        "enableBot",
        "Enable a bot",
        "Reverses disabling. Only an operator (scope `operate`) can enable what an operator disabled.",
    ),
)

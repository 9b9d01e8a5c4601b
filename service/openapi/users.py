"""/api/v1/auth/users, as the reference tells it."""

from service.endpoints.users import PATH, STATES
from service.endpoints.wire_users import CreateUserRequest, User
from service.openapi.clients import GONE
from service.openapi.operation import Answer, Content, Example, Operation, Parameter
from service.openapi.parts import CURSOR, IDEMPOTENCY_KEY, LIMIT
from service.problems import Clash, NotFound, NotJson, TooLarge
from service.scopes import USERS_READ, USERS_WRITE

USER_ID = Parameter(
    name="user_id",
    place="path",
    description="The `id` that registration answered.",
    schema={"type": "string"},
    example="0199f3a5-7c1e-7d0a-9b43-2f6f0d1c8e55",
)
ONE = f"{PATH}/{{user_id}}"
SHOWN = {
    "id": "0199f3a5-7c1e-7d0a-9b43-2f6f0d1c8e55",
    "email": "ada@example.com",
    "emailVerified": False,
    "name": "Ada King",
    "givenName": "Ada",
    "familyName": "King",
    "state": "active",
    "createdUtc": "2026-03-03T14:02:00Z",
}

USERS = (
    Operation(
        method="post",
        path=PATH,
        operation_id="createUser",
        summary="Create a user",
        tag="Users",
        description="Somebody who can sign in to your interactive clients. Who they are is encrypted with a key of their own, "
        "so that it can be erased from an append-only log.",
        scope=USERS_WRITE,
        parameters=(IDEMPOTENCY_KEY,),
        request=Content(
            shape=CreateUserRequest,
            examples={
                "named": Example(
                    summary="A user with a name and a password",
                    value={
                        "email": "ada@example.com",
                        "name": "Ada King",
                        "givenName": "Ada",
                        "familyName": "King",
                        "password": "an analytical engine",
                    },
                )
            },
        ),
        answers=(
            Answer(
                status=201,
                description="The user.",
                shape=User,
                headers=("Location", "Muniment-Position", "Idempotent-Replayed"),
                example=SHOWN,
                leads_to={
                    name: {"user_id": "$response.body#/id"}
                    for name in ("readUser", "disableUser", "enableUser", "eraseUser")
                },
            ),
        ),
        refusals=(Clash, TooLarge, NotJson),
    ),
    Operation(
        method="get",
        path=PATH,
        operation_id="listUsers",
        summary="List users",
        tag="Users",
        description="Everybody, oldest first, but those who were erased.",
        scope=USERS_READ,
        parameters=(
            LIMIT,
            CURSOR,
            Parameter(
                name="state",
                place="query",
                description="Only those in this state.",
                schema={"type": "string", "enum": list(STATES)},
            ),
        ),
        answers=(Answer(description="One page of them.", shape=list[User], headers=("Link",), example=[SHOWN]),),
    ),
    Operation(
        method="get",
        path=ONE,
        operation_id="readUser",
        summary="Read a user",
        tag="Users",
        scope=USERS_READ,
        parameters=(USER_ID,),
        answers=(Answer(description="The user.", shape=User, headers=("ETag",), example=SHOWN),),
        refusals=(NotFound,),
    ),
    Operation(
        method="delete",
        path=ONE,
        operation_id="eraseUser",
        summary="Erase a user",
        tag="Users",
        description="Destroys the key that the user's data is encrypted with: nobody can read any more who they were, and every "
        "proof of the log still holds. Ends their sessions and invalidates their tokens. Cannot be undone.",
        scope=USERS_WRITE,
        parameters=(USER_ID,),
        answers=(GONE,),
        refusals=(NotFound, Clash),
    ),
    Operation(
        method="post",
        path=f"{ONE}/disable",
        operation_id="disableUser",
        summary="Disable a user",
        tag="Users",
        description="Ends their sessions, invalidates their tokens, and lets them sign in no more until they are enabled again.",
        scope=USERS_WRITE,
        parameters=(USER_ID,),
        answers=(GONE,),
        refusals=(NotFound, Clash),
    ),
    Operation(
        method="post",
        path=f"{ONE}/enable",
        operation_id="enableUser",
        summary="Enable a user",
        tag="Users",
        description="Lets them sign in again.",
        scope=USERS_WRITE,
        parameters=(USER_ID,),
        answers=(GONE,),
        refusals=(NotFound, Clash),
    ),
)

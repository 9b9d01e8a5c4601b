"""/api/v1/auth/users, as the API reference describes it."""

from typing import Literal

from service.endpoints.user_schemas import ChangeUserRequest, CreateUserRequest, User
from service.endpoints.users import PATH, STATES
from service.openapi.operation import Content, Example, Operation, Parameter, ResponseSpec
from service.openapi.parts import AS_OF, CURSOR, IDEMPOTENCY_KEY, IDS, IF_MATCH, IF_MATCH_REQUIRED, LIMIT
from service.openapi.resource import GONE, Resource
from service.problems import Clash, NoPrecondition, NotFound, NotJson, Stale, TooLarge
from service.values.roles import ROLES
from service.values.scopes import OPERATE, USERS_READ, USERS_WRITE
from service.values.text import EMAIL

USER_ID = Parameter(
    name="user_id",
    place="path",
    description="The `id` that registration returned.",
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
    **dict.fromkeys(("middleName", "nickname")),
    "preferredUsername": "ada",
    **dict.fromkeys(("profile", "picture", "website", "gender")),
    "birthdate": "1815-12-10",
    "zoneinfo": "Europe/London",
    "locale": "en-GB",
    "phoneNumber": "+44 20 7946 0123",
    "phoneNumberVerified": False,
    "address": {
        "formatted": None,
        "streetAddress": "12 St James's Square",
        "locality": "London",
        "region": None,
        "postalCode": "SW1Y 4JH",
        "country": "United Kingdom",
    },
    "groups": ["engine", "mathematics"],
    "roles": ["auditor", "owner"],
    "groupRoles": [{"role": "owner", "alsoGiven": False}],
    "state": "active",
    "createdUtc": "2026-03-03T14:02:00Z",
    "updatedUtc": "2026-03-03T14:02:00Z",
}

ROLE = Parameter(
    name="role",
    place="path",
    description="The role: `operator` may do everything, `auditor` reads everything, `owner` manages the clients and bots that the "
    "user registered.",
    schema={"type": "string", "enum": list(ROLES)},
    example="auditor",
)
ONE_USER = Resource(path=ONE, id=USER_ID, tag="Users", scope=USERS_WRITE)


def _role(method: Literal["put", "delete"], operation_id: str, summary: str, description: str) -> Operation:
    return Operation(
        method=method,
        path=f"{ONE}/roles/{{role}}",
        operation_id=operation_id,
        summary=summary,
        tag="Users",
        description=description,
        scope=OPERATE,
        parameters=(USER_ID, ROLE, IF_MATCH),
        answers=(GONE,),
        refusals=(NotFound, Clash, Stale),
    )


USERS = (
    Operation(
        method="post",
        path=PATH,
        operation_id="createUser",
        summary="Create a user",
        tag="Users",
        description="Creates a user who can sign in to your interactive clients. The user's data is encrypted with a key per user, "
        "so that it can be erased from an append-only log. The fields are the standard claims of OpenID Connect Core 1.0 section 5.1, "
        "which applications get through the scopes `profile`, `email`, `phone`, `address` and `groups`.",
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
                ),
                "whole": Example(
                    summary="A user with many claims",
                    value={
                        name: value
                        for name, value in SHOWN.items()
                        if name
                        not in ("id", "roles", "groupRoles", "state", "createdUtc", "updatedUtc", "groups", "address")
                    }
                    | {"groups": ["engine"], "address": {"formatted": "12 St James's Square\nLondon SW1Y 4JH"}},
                ),
            },
        ),
        answers=(
            ResponseSpec(
                status=201,
                description="The user.",
                shape=User,
                headers=("Location", "Muniment-Position", "Idempotent-Replayed"),
                example=SHOWN,
                leads_to={
                    name: {"user_id": "$response.body#/id"}
                    for name in (
                        "readUser",
                        "changeUser",
                        "disableUser",
                        "enableUser",
                        "eraseUser",
                        "listUserSessions",
                        "endUserSessions",
                    )
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
        description="All users except erased ones, oldest first.",
        scope=USERS_READ,
        parameters=(
            LIMIT,
            CURSOR,
            AS_OF,
            IDS,
            Parameter(
                name="state",
                place="query",
                description="Only users in this state.",
                schema={"type": "string", "enum": list(STATES)},
            ),
            Parameter(
                name="email",
                place="query",
                description="Only the user with exactly this e-mail address, in upper or lower case. Addresses are encrypted, so no part "
                "of one can be searched for. Not together with `as_of`.",
                schema={"type": "string", "maxLength": 254, "pattern": EMAIL},
            ),
        ),
        answers=(
            ResponseSpec(
                description="One page of users.",
                shape=list[User],
                headers=("Link", "Muniment-Position"),
                example=[SHOWN],
            ),
        ),
    ),
    Operation(
        method="get",
        path=ONE,
        operation_id="readUser",
        summary="Read a user",
        tag="Users",
        scope=USERS_READ,
        parameters=(USER_ID, AS_OF),
        answers=(
            ResponseSpec(description="The user.", shape=User, headers=("ETag", "Muniment-Position"), example=SHOWN),
        ),
        refusals=(NotFound,),
    ),
    Operation(
        method="patch",
        path=ONE,
        operation_id="changeUser",
        summary="Change a user",
        tag="Users",
        description="An omitted field stays as it is; null removes its value. The e-mail address never changes. "
        "A changed phone number is unverified, unless the same request sets `phoneNumberVerified`.",
        scope=USERS_WRITE,
        parameters=(USER_ID, IF_MATCH_REQUIRED),
        request=Content(
            shape=ChangeUserRequest,
            examples={
                "groups": Example(summary="Other groups", value={"groups": ["engine", "looms"]}),
                "none": Example(summary="Remove the nickname", value={"nickname": None}),
            },
        ),
        answers=(
            ResponseSpec(
                description="The changed user.",
                shape=User,
                headers=("ETag", "Muniment-Position"),
                example=SHOWN,
            ),
        ),
        refusals=(NotFound, Clash, Stale, TooLarge, NotJson, NoPrecondition),
    ),
    ONE_USER.delete(
        "eraseUser",
        "Erase a user",
        "Destroys the key that the user's data is encrypted with: the data can never be read again, and every "
        "proof of the log still holds. Ends the user's sessions and invalidates their tokens. This cannot be undone.",
    ),
    ONE_USER.post(
        "disable",
        "disableUser",
        "Disable a user",
        "Ends the user's sessions and invalidates their tokens. The user cannot sign in until enabled again.",
    ),
    ONE_USER.post("enable", "enableUser", "Enable a user", "Lets the user sign in again."),
    _role(
        "put",
        "giveRole",
        "Give a role",
        "Lets the user use the console, with the scopes of the role. You can give only a role whose scopes you hold yourself.",
    ),
    _role(
        "delete",
        "takeRole",
        "Take a role away",
        "Ends what the role allows in the console, at the user's next request. A role of `groupRoles` comes back when the user signs in "
        "through the upstream provider, as long as the user is in the group there; `disable` stops the user until enabled again.",
    ),
)

"""A user's sessions and consents, as the API reference describes them."""

from service.endpoints.user_sessions import PATH, Session, UserSession
from service.openapi.operation import Operation, Parameter, ResponseSpec
from service.openapi.parts import CURSOR, LIMIT
from service.openapi.users import ONE, USER_ID
from service.problems import Clash, NotFound
from service.values.scopes import USERS_READ, USERS_WRITE

SHOWN = {
    "id": "0199f3a5-7c1e-7d0a-9b43-2f6f0d1c8e57",
    "startedUtc": "2026-11-03T09:00:00Z",
    "authenticatedUtc": "2026-11-03T09:00:00Z",
    "lastSeenUtc": "2026-11-03T14:02:00Z",
    "expiresUtc": "2026-11-03T21:00:00Z",
    "acr": "urn:muniment:acr:2",
    "amr": ["pwd", "otp", "mfa"],
    "address": "192.0.2.7",
    "userAgent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
}
OF_USER = {"userId": "0199f3a5-7c1e-7d0a-9b43-2f6f0d1c8e55", "email": "ada@example.com", "name": "Ada King"}
LATEST = LIMIT.__replace__(description="At most this many, latest first.")
SESSION_ID = Parameter(
    name="session_id",
    place="path",
    description="The `id` of the session.",
    schema={"type": "string"},
    example="0199f3a5-7c1e-7d0a-9b43-2f6f0d1c8e57",
)
CLIENT_ID = Parameter(
    name="client_id",
    place="path",
    description="The client that was allowed.",
    schema={"type": "string"},
    example="oauth_client_0199f3a57c1e7d0a9b432f6f0d1c8e55",
)
DONE = ResponseSpec(status=204, description="Done.")

USER_ACCESS = (
    Operation(
        method="get",
        path=PATH,
        operation_id="listSessions",
        summary="List all sessions",
        tag="Users",
        description="The open sessions of all users, latest first: where users are signed in, since when, and how.",
        scope=USERS_READ,
        parameters=(LATEST, CURSOR),
        answers=(
            ResponseSpec(
                description="One page of open sessions.",
                shape=list[Session],
                headers=("Link",),
                example=[{**SHOWN, **OF_USER}],
            ),
        ),
    ),
    Operation(
        method="get",
        path=f"{ONE}/sessions",
        operation_id="listUserSessions",
        summary="List a user's sessions",
        tag="Users",
        description="The open sessions of the user, latest first.",
        scope=USERS_READ,
        parameters=(USER_ID, LATEST, CURSOR),
        answers=(
            ResponseSpec(
                description="One page of open sessions.", shape=list[UserSession], headers=("Link",), example=[SHOWN]
            ),
        ),
        refusals=(NotFound,),
    ),
    Operation(
        method="delete",
        path=f"{ONE}/sessions",
        operation_id="endUserSessions",
        summary="End a user's sessions",
        tag="Users",
        description="Signs the user out everywhere. Tokens from these sessions become invalid, except those with `offline_access`.",
        scope=USERS_WRITE,
        parameters=(USER_ID,),
        answers=(DONE,),
        refusals=(NotFound, Clash),
    ),
    Operation(
        method="delete",
        path=f"{ONE}/sessions/{{session_id}}",
        operation_id="endUserSession",
        summary="End a session",
        tag="Users",
        description="Signs the user out in one browser. Tokens from this session become invalid, except those with `offline_access`.",
        scope=USERS_WRITE,
        parameters=(USER_ID, SESSION_ID),
        answers=(DONE.__replace__(headers=("Muniment-Position",)),),
        refusals=(NotFound, Clash),
    ),
    Operation(
        method="delete",
        path=f"{ONE}/consents/{{client_id}}",
        operation_id="withdrawConsents",
        summary="Withdraw a user's consents to a client",
        tag="Users",
        description="Withdraws all that the user allowed the client, and revokes every grant and token that followed from it.",
        scope=USERS_WRITE,
        parameters=(USER_ID, CLIENT_ID),
        answers=(DONE,),
        refusals=(NotFound, Clash),
    ),
)

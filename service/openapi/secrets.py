"""The secrets of a client, as the API reference describes them."""

from service.endpoints.secret_schemas import AddSecretRequest, AddSecretResponse, ClientSecret
from service.openapi.clients import CLIENT_ID, ONE
from service.openapi.operation import Content, Example, Operation, Parameter, ResponseSpec
from service.openapi.parts import AS_OF, IDEMPOTENCY_KEY, IF_MATCH
from service.openapi.resource import GONE
from service.problems import Clash, NotFound, NotJson, Stale, TooLarge
from service.values.scopes import CLIENTS_READ, CLIENTS_WRITE

SECRET_ID = Parameter(
    name="secret_id",
    place="path",
    description="The `secretId` in the list of secrets.",
    schema={"type": "string", "format": "uuid"},
    example="0199f3a5-7c1e-7d0a-9b43-2f6f0d1c8e55",
)
HINTED = {
    "secretId": "0199f3a5-7c1e-7d0a-9b43-2f6f0d1c8e55",
    "name": "rotation 2026-11",
    "hint": "…dcba",
    "expiresUtc": None,
}

SECRETS = (
    Operation(
        method="get",
        path=f"{ONE}/secrets",
        operation_id="listClientSecrets",
        summary="List a client's secrets",
        tag="Secrets",
        description="Names, hints, and when each was last used. The secrets themselves are not kept.",
        scope=CLIENTS_READ,
        parameters=(CLIENT_ID, AS_OF),
        answers=(
            ResponseSpec(
                description="All secrets.",
                shape=list[ClientSecret],
                headers=("Muniment-Position",),
                example=[{**HINTED, "createdUtc": "2026-11-03T09:00:00Z", "lastUsedUtc": None}],
            ),
        ),
        refusals=(NotFound,),
    ),
    Operation(
        method="post",
        path=f"{ONE}/secrets",
        operation_id="addClientSecret",
        summary="Add a secret",
        tag="Secrets",
        description="To rotate without an outage: add a secret, give it to the program, see in the list that it is used, "
        "then revoke the old one; or let the old ones expire by themselves, with `othersExpireUtc`. A client has at most five live secrets. Your token must have all scopes of the client; an operator (scope `operate`) needs only those of this API.\n\n"
        "⚠️ CRITICAL: The clientSecret is only returned once. Store it securely immediately.",
        scope=CLIENTS_WRITE,
        parameters=(CLIENT_ID, IDEMPOTENCY_KEY, IF_MATCH),
        request=Content(
            shape=AddSecretRequest,
            examples={
                "named": Example(summary="A named secret", value={"name": "rotation 2026-11"}),
                "rotation": Example(
                    summary="A rotation: the other secrets expire",
                    value={"name": "rotation 2026-12", "othersExpireUtc": "2099-12-02T09:00:00Z"},
                ),
            },
        ),
        answers=(
            ResponseSpec(
                status=201,
                description="The secret, which is shown only in this response.",
                shape=AddSecretResponse,
                headers=("Location", "Muniment-Position", "Idempotent-Replayed"),
                example={**HINTED, "clientSecret": "secret_9876543210zyxwvutsrqponmlkjihgfedcba"},
                leads_to={
                    "revokeClientSecret": {
                        "client_id": "$request.path.client_id",
                        "secret_id": "$response.body#/secretId",
                    }
                },
            ),
        ),
        refusals=(NotFound, Clash, Stale, TooLarge, NotJson),
    ),
    Operation(
        method="delete",
        path=f"{ONE}/secrets/{{secret_id}}",
        operation_id="revokeClientSecret",
        summary="Revoke a secret",
        tag="Secrets",
        description="The secret no longer gets tokens. Tokens that it got stay valid until they expire; to stop them too, revoke what follows from the secret (`POST /api/v1/audit/revocations`), or disable the client.",
        scope=CLIENTS_WRITE,
        parameters=(CLIENT_ID, SECRET_ID, IF_MATCH),
        answers=(GONE,),
        refusals=(NotFound, Clash, Stale),
    ),
)

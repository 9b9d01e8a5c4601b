"""/api/v1/auth/trusted-issuers, as the API reference describes it."""

from service.endpoints.trusted_issuer_schemas import (
    ChangeTrustedIssuerRequest,
    CreateTrustedIssuerRequest,
    TrustedIssuer,
)
from service.endpoints.trusted_issuers import PATH
from service.openapi.operation import Content, Example, Operation, Parameter, ResponseSpec
from service.openapi.parts import AS_OF, CURSOR, IDEMPOTENCY_KEY, IF_MATCH_REQUIRED, LIMIT
from service.openapi.resource import Resource
from service.problems import Clash, NoPrecondition, NotFound, NotJson, Stale, TooLarge
from service.values.scopes import AUDIT_READ, OPERATE

ISSUER_ID = Parameter(
    name="issuer_id",
    place="path",
    description="The `id` that registration returned.",
    schema={"type": "string", "format": "uuid"},
    example="0199f3a5-7c1e-7d0a-9b43-2f6f0d1c8e55",
)
ONE = f"{PATH}/{{issuer_id}}"
TAG = "Trusted issuers"
SHOWN = {
    "id": "0199f3a5-7c1e-7d0a-9b43-2f6f0d1c8e55",
    "issuer": "https://token.actions.githubusercontent.com",
    "name": "GitHub Actions",
    "purposes": ["workload"],
    "jwksUri": None,
    "jwks": None,
    "algorithms": ["RS256"],
    "audiences": ["https://muniment.example.com"],
    "provisions": False,
    "state": "active",
    "createdUtc": "2026-03-03T14:02:00Z",
}
ONE_ISSUER = Resource(path=ONE, id=ISSUER_ID, tag=TAG, scope=OPERATE)

TRUSTED_ISSUERS = (
    Operation(
        method="post",
        path=PATH,
        operation_id="createTrustedIssuer",
        summary="Trust an issuer",
        tag=TAG,
        description="The signed tokens of another server are accepted for the purposes that are named.",
        scope=OPERATE,
        parameters=(IDEMPOTENCY_KEY,),
        request=Content(
            shape=CreateTrustedIssuerRequest,
            examples={
                "workload": Example(
                    summary="Builds of GitHub Actions authenticate clients",
                    value={
                        "issuer": "https://token.actions.githubusercontent.com",
                        "name": "GitHub Actions",
                        "purposes": ["workload"],
                        "algorithms": ["RS256"],
                        "audiences": ["https://muniment.example.com"],
                    },
                ),
                "enterprise": Example(
                    summary="A company's identity provider asserts its users",
                    value={
                        "issuer": "https://idp.example.com",
                        "name": "Example Corp",
                        "purposes": ["id_jag"],
                        "provisions": True,
                    },
                ),
            },
        ),
        answers=(
            ResponseSpec(
                status=201,
                description="The trusted issuer.",
                shape=TrustedIssuer,
                headers=("Location", "Muniment-Position", "Idempotent-Replayed"),
                example=SHOWN,
                leads_to={
                    name: {"issuer_id": "$response.body#/id"}
                    for name in (
                        "readTrustedIssuer",
                        "changeTrustedIssuer",
                        "disableTrustedIssuer",
                        "enableTrustedIssuer",
                        "deleteTrustedIssuer",
                    )
                },
            ),
        ),
        refusals=(Clash, TooLarge, NotJson),
    ),
    Operation(
        method="get",
        path=PATH,
        operation_id="listTrustedIssuers",
        summary="List trusted issuers",
        tag=TAG,
        description="All of them, oldest first.",
        scope=AUDIT_READ,
        parameters=(LIMIT, CURSOR, AS_OF),
        answers=(
            ResponseSpec(
                description="One page of trusted issuers.",
                shape=list[TrustedIssuer],
                headers=("Link", "Muniment-Position"),
                example=[SHOWN],
            ),
        ),
    ),
    Operation(
        method="get",
        path=ONE,
        operation_id="readTrustedIssuer",
        summary="Read a trusted issuer",
        tag=TAG,
        scope=AUDIT_READ,
        parameters=(ISSUER_ID, AS_OF),
        answers=(
            ResponseSpec(
                description="The trusted issuer.",
                shape=TrustedIssuer,
                headers=("ETag", "Muniment-Position"),
                example=SHOWN,
            ),
        ),
        refusals=(NotFound,),
    ),
    Operation(
        method="patch",
        path=ONE,
        operation_id="changeTrustedIssuer",
        summary="Change a trusted issuer",
        tag=TAG,
        description="Changes the fields that are given (JSON Merge Patch). Its `issuer` never changes.",
        scope=OPERATE,
        parameters=(ISSUER_ID, IF_MATCH_REQUIRED),
        request=Content(
            shape=ChangeTrustedIssuerRequest,
            examples={
                "purposes": Example(
                    summary="Also as the subject of a token exchange", value={"purposes": ["id_jag", "subject_token"]}
                )
            },
        ),
        answers=(
            ResponseSpec(
                description="The trusted issuer after the change.",
                shape=TrustedIssuer,
                headers=("ETag", "Muniment-Position"),
                example=SHOWN,
            ),
        ),
        refusals=(NotFound, Clash, Stale, NoPrecondition, TooLarge, NotJson),
    ),
    ONE_ISSUER.delete(
        "deleteTrustedIssuer", "Delete a trusted issuer", "Its tokens are accepted no more. It can be registered again."
    ),
    ONE_ISSUER.post(
        "disable",
        "disableTrustedIssuer",
        "Disable a trusted issuer",
        "Until it is enabled again, none of its tokens is accepted.",
    ),
    ONE_ISSUER.post("enable", "enableTrustedIssuer", "Enable a trusted issuer", "Reverses disabling."),
)

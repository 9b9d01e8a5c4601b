"""/api/v1/audit/credentials, as the API reference describes it."""

from service.blast_radius.credentials import RecognizedCredential
from service.endpoints.credentials import PATH, RecognizeRequest
from service.openapi.blast_radius import SECRET
from service.openapi.operation import Content, Example, Operation, ResponseSpec
from service.problems import NotFound, NotJson, TooLarge
from service.values.scopes import AUDIT_READ

SHOWN = {
    "kind": "secret",
    "clientId": "oauth_client_0199f3a57c1e7d0a9b432f6f0d1c8e55",
    "secretId": SECRET["id"],
    "secretName": "default",
    "jti": None,
    "authorization": None,
}

CREDENTIALS = (
    Operation(
        method="post",
        path=PATH,
        operation_id="recognizeCredential",
        summary="Whose is this secret or token",
        tag="Audit",
        description="Recognizes a client secret, an authorization code, a refresh token or an access token that was found somewhere, "
        "also one that was revoked or has expired. The answer names the client, and what `readBlastRadius` and `revokeTree` begin with: "
        "the `secretId` or the `authorization`. What was sent is recorded nowhere; that somebody asked is. Nobody can guess secrets "
        "here: of one caller, 10 in a minute may be unknown. An access token is "
        "recognized by its signature, of a key that has retired, too.",
        scope=AUDIT_READ,
        request=Content(
            shape=RecognizeRequest,
            examples={"found": Example(summary="A secret that was found", value={"credential": "secret_…"})},
        ),
        answers=(ResponseSpec(description="Whose it is.", shape=RecognizedCredential, example=SHOWN),),
        refusals=(NotFound, TooLarge, NotJson),
    ),
)

"""The device grant, as the API reference describes it (RFC 8628)."""

from service.grants.device_authorization import DeviceAuthorizationResponse
from service.oauth.form import FORM
from service.openapi.forms import DeviceAuthorizationRequest
from service.openapi.operation import Content, Example, Operation, ResponseSpec
from service.openapi.parts import OAUTH_REFUSALS

DEVICE_CODE = "device_AZnzpXwefQqbQy9vDRyOVQx0bH5zcGVjaWZpY2FsbHktbm90LWEtcmVhbC1jb2Rl"
ISSUER = "https://auth.example.com"
ASKED = {"client_id": "oauth_client_xyz789", "scope": "openid offline_access"}

DEVICES = (
    Operation(
        method="post",
        path="/openid/device_authorization",
        operation_id="deviceAuthorization",
        summary="Sign a user in on a device",
        tag="Login",
        description="For devices without a browser, and command lines. Show the user the `user_code` and the `verification_uri` (the "
        "`verification_uri_complete` as a QR code). Meanwhile ask the token endpoint each `interval` seconds with "
        "`grant_type=urn:ietf:params:oauth:grant-type:device_code` and the `device_code`: it answers `authorization_pending`, "
        "`slow_down` (ask 5 seconds later from then on), `access_denied`, `expired_token`, or with the tokens. The client needs "
        "`deviceGrant: true`.",
        proves_client=True,
        request=Content(
            shape=DeviceAuthorizationRequest,
            media=FORM,
            examples={"public": Example(summary="A public client", value=ASKED)},
        ),
        answers=(
            ResponseSpec(
                description="The codes of the device and of the user (RFC 8628 section 3.2).",
                shape=DeviceAuthorizationResponse,
                example={
                    "device_code": DEVICE_CODE,
                    "user_code": "BCDF-GHJK",
                    "verification_uri": f"{ISSUER}/device",
                    "verification_uri_complete": f"{ISSUER}/device?user_code=BCDF-GHJK",
                    "expires_in": 600,
                    "interval": 5,
                },
            ),
            *OAUTH_REFUSALS,
        ),
    ),
)

"""A change of the security settings of a client."""

from typing import Literal

from msgspec import UNSET, Struct, UnsetType, structs

from events.client_security import (
    AuthMethod,
    AuthorizationResponseAlg,
    ClientSecurityChanged,
    RequestObjectAlg,
    Security,
    SecurityProfile,
)

BySecret = Literal["client_secret"]
BY_SECRET: BySecret = "client_secret"  # noqa: S105 - the name of a method
"""What a client asks for that shall authenticate by its secret again. A public client cannot."""


class SecurityChange(Struct, frozen=True, kw_only=True):
    """The fields of Security. UNSET fields do not change."""

    token_endpoint_auth_method: AuthMethod | BySecret | UnsetType | None = UNSET
    jwks_uri: str | UnsetType | None = UNSET
    security_profile: SecurityProfile | UnsetType | None = UNSET
    dpop_bound_access_tokens: bool | UnsetType = UNSET
    require_pushed_authorization_requests: bool | UnsetType = UNSET
    require_signed_request_object: bool | UnsetType = UNSET
    request_object_signing_alg: RequestObjectAlg | UnsetType | None = UNSET
    authorization_signed_response_alg: AuthorizationResponseAlg | UnsetType = UNSET
    device_grant: bool | UnsetType = UNSET

    def after(self, security: Security) -> Security:
        said = {name: value for name, value in structs.asdict(self).items() if value is not UNSET}
        if self.token_endpoint_auth_method == BY_SECRET:
            said["token_endpoint_auth_method"] = None
        return security.__replace__(**said)


def security_of(security: Security) -> SecurityChange:
    """Returns the change that leads to these settings, whatever they were before."""
    return SecurityChange(**structs.asdict(security))


def change_security(after: Security, before: Security) -> list[ClientSecurityChanged]:
    return [] if after == before else [ClientSecurityChanged(security=after, was=before)]

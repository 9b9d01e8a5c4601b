"""A change of the security settings of a client."""

from msgspec import UNSET, Struct, UnsetType, structs

from events.client_security import (
    AuthMethod,
    AuthorizationResponseAlg,
    ClientSecurityChanged,
    RequestObjectAlg,
    Security,
)


class SecurityChange(Struct, frozen=True, kw_only=True):
    """The fields of Security. UNSET fields do not change."""

    token_endpoint_auth_method: AuthMethod | UnsetType | None = UNSET
    jwks_uri: str | UnsetType | None = UNSET
    dpop_bound_access_tokens: bool | UnsetType = UNSET
    require_pushed_authorization_requests: bool | UnsetType = UNSET
    require_signed_request_object: bool | UnsetType = UNSET
    request_object_signing_alg: RequestObjectAlg | UnsetType | None = UNSET
    authorization_signed_response_alg: AuthorizationResponseAlg | UnsetType = UNSET
    device_grant: bool | UnsetType = UNSET

    def after(self, security: Security) -> Security:
        said = {name: value for name, value in structs.asdict(self).items() if value is not UNSET}
        return security.__replace__(**said)


def security_of(security: Security) -> SecurityChange:
    """Returns the change that leads to these settings, whatever they were before."""
    return SecurityChange(**structs.asdict(security))


def change_security(after: Security, before: Security) -> list[ClientSecurityChanged]:
    return [] if after == before else [ClientSecurityChanged(security=after, was=before)]

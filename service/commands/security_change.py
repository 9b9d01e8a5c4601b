"""A change of the security settings of a client."""

from typing import Literal

from msgspec import UNSET, Struct, UnsetType, structs

from events.client_security import (
    AssertionPolicy,
    AuthMethod,
    AuthorizationResponseAlg,
    ClientSecurityChanged,
    ExchangePolicy,
    RequestObjectAlg,
    Security,
    SecurityProfile,
    UserinfoAlg,
    WorkloadIdentity,
)
from service.commands.authority import Holder
from service.refusals import NotPermitted

BySecret = Literal["client_secret"]
BY_SECRET: BySecret = "client_secret"  # noqa: S105 - the name of a method
"""What a client asks for that shall authenticate by its secret again. A public client cannot."""


class SecurityChange(Struct, frozen=True, kw_only=True):
    """The fields of Security. UNSET fields do not change."""

    token_endpoint_auth_method: AuthMethod | BySecret | UnsetType | None = UNSET
    jwks_uri: str | UnsetType | None = UNSET
    security_profile: SecurityProfile | UnsetType | None = UNSET
    tls_client_auth_subject_dn: str | UnsetType | None = UNSET
    tls_client_auth_san_dns: str | UnsetType | None = UNSET
    tls_client_auth_san_uri: str | UnsetType | None = UNSET
    tls_client_auth_san_ip: str | UnsetType | None = UNSET
    tls_client_auth_san_email: str | UnsetType | None = UNSET
    tls_client_certificate_bound_access_tokens: bool | UnsetType = UNSET
    dpop_bound_access_tokens: bool | UnsetType = UNSET
    require_pushed_authorization_requests: bool | UnsetType = UNSET
    require_signed_request_object: bool | UnsetType = UNSET
    request_object_signing_alg: RequestObjectAlg | UnsetType | None = UNSET
    authorization_signed_response_alg: AuthorizationResponseAlg | UnsetType = UNSET
    userinfo_signed_response_alg: UserinfoAlg | UnsetType | None = UNSET
    request_uris: tuple[str, ...] | UnsetType = UNSET
    default_max_age: int | UnsetType | None = UNSET
    require_auth_time: bool | UnsetType = UNSET
    device_grant: bool | UnsetType = UNSET
    token_exchange: tuple[ExchangePolicy, ...] | UnsetType = UNSET
    identity_assertions: tuple[AssertionPolicy, ...] | UnsetType = UNSET
    workload_identities: tuple[WorkloadIdentity, ...] | UnsetType = UNSET

    def after(self, security: Security) -> Security:
        said = {name: value for name, value in structs.asdict(self).items() if value is not UNSET}
        if self.token_endpoint_auth_method == BY_SECRET:
            said["token_endpoint_auth_method"] = None
        return security.__replace__(**said)

    def kept_strict(self, before: Security) -> "SecurityChange":
        """Returns the change without what would demand less of the client than before: an operator may have demanded it."""
        return self.__replace__(
            dpop_bound_access_tokens=self.dpop_bound_access_tokens or before.dpop_bound_access_tokens,
            require_pushed_authorization_requests=self.require_pushed_authorization_requests
            or before.require_pushed_authorization_requests,
            require_signed_request_object=self.require_signed_request_object or before.require_signed_request_object,
            request_object_signing_alg=before.request_object_signing_alg or self.request_object_signing_alg,
        )


def security_of(security: Security) -> SecurityChange:
    """Returns the change that leads to these settings, whatever they were before."""
    return SecurityChange(**structs.asdict(security))


def change_security(after: Security, before: Security) -> list[ClientSecurityChanged]:
    return [] if after == before else [ClientSecurityChanged(security=after, was=before)]


def may_delegate(by: Holder | None, after: Security, before: Security) -> None:
    """Raises NotPermitted unless an operator lets the client act with the tokens of others. Anybody may take that away from a client of theirs."""
    if after == before:
        return
    then = {*before.token_exchange, *before.identity_assertions}
    more = [each for each in (*after.token_exchange, *after.identity_assertions) if each not in then]
    if more and (by is None or not by.operates):
        raise NotPermitted(
            "Only an operator (scope operate) can let a client exchange tokens (tokenExchange) or assert its users (identityAssertions)."
        )

"""The security settings of a client as fields of the management API."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any
from uuid import UUID

from events.client_security import USUAL_SECURITY, Security
from projections.clients import Row
from service.commands.security_change import SecurityChange
from service.endpoints import delegation_fields, request_fields, workload_fields
from service.endpoints.authentication_fields import method_of, shown_method

if TYPE_CHECKING:
    from service.endpoints.client_schemas import CreateOAuthClientRequest
    from service.endpoints.client_settings import ChangeOAuthClientRequest


def change(asked: "CreateOAuthClientRequest | ChangeOAuthClientRequest") -> SecurityChange:
    return SecurityChange(
        token_endpoint_auth_method=method_of(asked.token_endpoint_auth_method),
        jwks_uri=asked.jwks_uri,
        security_profile=asked.security_profile,
        tls_client_auth_subject_dn=asked.tls_client_auth_subject_dn,
        tls_client_auth_san_dns=asked.tls_client_auth_san_dns,
        tls_client_auth_san_uri=asked.tls_client_auth_san_uri,
        tls_client_auth_san_ip=asked.tls_client_auth_san_ip,
        tls_client_auth_san_email=asked.tls_client_auth_san_email,
        tls_client_certificate_bound_access_tokens=asked.tls_client_certificate_bound_access_tokens,
        dpop_bound_access_tokens=asked.dpop_bound_access_tokens,
        require_pushed_authorization_requests=asked.require_pushed_authorization_requests,
        require_signed_request_object=asked.require_signed_request_object,
        request_object_signing_alg=asked.request_object_signing_alg,
        authorization_signed_response_alg=asked.authorization_signed_response_alg,
        userinfo_signed_response_alg=asked.userinfo_signed_response_alg,
        request_uris=request_fields.addresses(asked.request_uris),
        default_max_age=asked.default_max_age,
        require_auth_time=asked.require_auth_time,
        device_grant=asked.device_grant,
        workload_identities=workload_fields.identities(asked.workload_identities),
        token_exchange=delegation_fields.exchange_policies(asked.token_exchange),
        identity_assertions=delegation_fields.assertion_policies(asked.identity_assertions),
    )


def registered(asked: "CreateOAuthClientRequest") -> Security:
    return _usual(type(asked)) if _said(asked) == _nothing_said(type(asked)) else change(asked).after(USUAL_SECURITY)


_said = attrgetter(*SecurityChange.__struct_fields__)


@cache
def _nothing_said(request: "type[CreateOAuthClientRequest]") -> tuple[Any, ...]:
    return _said(request(m2m=True))


@cache
def _usual(request: "type[CreateOAuthClientRequest]") -> Security:
    """Return the settings of a registration that says nothing of them, as most do."""
    return change(request(m2m=True)).after(USUAL_SECURITY)


def shown(row: Row, workloads_used: Mapping[UUID, datetime] | None = None) -> Mapping[str, Any]:
    """Return the fields of OAuthClient. Those of the sign-in of users are an interactive client's only."""
    security = row.security
    of_all = {
        "token_endpoint_auth_method": shown_method(row),
        "jwks_uri": security.jwks_uri,
        "security_profile": security.security_profile,
        "tls_client_auth_subject_dn": security.tls_client_auth_subject_dn,
        "tls_client_auth_san_dns": security.tls_client_auth_san_dns,
        "tls_client_auth_san_uri": security.tls_client_auth_san_uri,
        "tls_client_auth_san_ip": security.tls_client_auth_san_ip,
        "tls_client_auth_san_email": security.tls_client_auth_san_email,
        "tls_client_certificate_bound_access_tokens": security.tls_client_certificate_bound_access_tokens,
        "dpop_bound_access_tokens": security.dpop_bound_access_tokens,
        "workload_identities": workload_fields.shown(row, workloads_used),
    }
    if row.login is None:
        return of_all
    return {
        **of_all,
        "require_pushed_authorization_requests": security.require_pushed_authorization_requests,
        "require_signed_request_object": security.require_signed_request_object,
        "request_object_signing_alg": security.request_object_signing_alg,
        "authorization_signed_response_alg": security.authorization_signed_response_alg,
        "userinfo_signed_response_alg": security.userinfo_signed_response_alg,
        "request_uris": list(security.request_uris),
        "default_max_age": security.default_max_age,
        "require_auth_time": security.require_auth_time,
        "device_grant": security.device_grant,
    }

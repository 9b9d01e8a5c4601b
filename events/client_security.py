"""The security settings of a client: how it authenticates, and what its requests and tokens must be bound to."""

from typing import Literal
from uuid import UUID, uuid5

from msgspec import Struct, json

AuthorizationResponseAlg = Literal["RS256", "ES256", "EdDSA"]
UserinfoAlg = Literal["RS256", "ES256"]
RequestObjectAlg = Literal["ES256", "EdDSA", "PS256", "RS256"]
USUAL_RESPONSE_ALG: AuthorizationResponseAlg = "RS256"
"""The default of JARM section 3."""
SecurityProfile = Literal["fapi2"]
AuthMethod = Literal["private_key_jwt", "tls_client_auth", "self_signed_tls_client_auth", "workload_identity"]
"""How a client authenticates without a secret, by the names of RFC 7591 section 2. The last is a name of our own: by the token of a trusted
issuer about the workload.
"""


class ExchangePolicy(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """Which tokens a client may exchange (RFC 8693): those of these clients and trusted issuers, for these audiences and at most these scopes.

    The token that it gets says that the client acts for the subject. With `impersonation` it says only the subject.
    """

    audiences: tuple[str, ...]
    scopes: tuple[str, ...]
    clients: tuple[str, ...] = ()
    issuers: tuple[str, ...] = ()
    impersonation: bool = False


class AssertionPolicy(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """At which other authorization server the client may assert its users: `client_id` is its id there. Without scopes, it asserts none."""

    audience: str
    client_id: str
    scopes: tuple[str, ...] = ()


class WorkloadIdentity(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """Whose tokens authenticate the client: those of this trusted issuer about this subject, which may have wildcards.

    `audience` is one of the issuer's; None: each of them. `single_use`: a token needs a `jti` and authenticates one request.
    """

    issuer: str
    subject: str
    audience: str | None = None
    single_use: bool = False

    def id_for(self, client: UUID) -> UUID:
        """Return the id under which its use is recorded, as that of a secret or a key would be."""
        return uuid5(client, json.encode([self.issuer, self.subject, self.audience]).decode())


class Security(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """The defaults are those of a client that said nothing. A new setting is a new field here, whose default is what was before it.

    `token_endpoint_auth_method` None is by secret, or not at all if the client is public. `jwks_uri` is where its keys are instead of with
    the client (RFC 7591 section 2).
    `security_profile` fapi2: its assertions name the issuer alone, as a text, and are not signed with RS256 (FAPI 2.0 section 5.3.2.1, 5.4.1).
    `tls_client_auth_…`: the one name that the certificate of the client has (RFC 8705 section 2.1.2).
    `tls_client_certificate_bound_access_tokens`: every token is bound to the certificate of its connection (RFC 8705 section 3.4).
    `dpop_bound_access_tokens`: every token is bound to a key of the client (RFC 9449 section 5.2).
    `require_pushed_authorization_requests`: authorization requests are pushed first (RFC 9126 section 6).
    `require_signed_request_object`: they are signed by the client, with a lifetime (RFC 9101 section 10.5, FAPI 2.0 Message Signing).
    `request_object_signing_alg`: the only algorithm of those; None: each that this server offers.
    `authorization_signed_response_alg`: the algorithm of responses with `response_mode=jwt` and its like (JARM section 3).
    `userinfo_signed_response_alg`: the algorithm of userinfo as a JWT; None: it is JSON (OpenID Connect Core 1.0 section 5.3.2).
    `request_uris`: the addresses from which this server fetches its request objects (OpenID Connect Core 1.0 section 6.2).
    `default_max_age`: the `max_age` of requests without one, in seconds. `require_auth_time`: its ID tokens have `auth_time`, which those of
    all clients have anyway (OpenID Connect Dynamic Client Registration 1.0 section 2).
    `device_grant`: users may sign in on a device that has no browser (RFC 8628).
    `token_exchange`, `identity_assertions`: what operators let the client do with the tokens of others.
    `workload_identities`: whose tokens of trusted issuers authenticate it, with the method workload_identity.
    """

    token_endpoint_auth_method: AuthMethod | None = None
    jwks_uri: str | None = None
    security_profile: SecurityProfile | None = None
    tls_client_auth_subject_dn: str | None = None
    tls_client_auth_san_dns: str | None = None
    tls_client_auth_san_uri: str | None = None
    tls_client_auth_san_ip: str | None = None
    tls_client_auth_san_email: str | None = None
    tls_client_certificate_bound_access_tokens: bool = False
    dpop_bound_access_tokens: bool = False
    require_pushed_authorization_requests: bool = False
    require_signed_request_object: bool = False
    request_object_signing_alg: RequestObjectAlg | None = None
    authorization_signed_response_alg: AuthorizationResponseAlg = USUAL_RESPONSE_ALG
    userinfo_signed_response_alg: UserinfoAlg | None = None
    request_uris: tuple[str, ...] = ()
    default_max_age: int | None = None
    require_auth_time: bool = False
    device_grant: bool = False
    token_exchange: tuple[ExchangePolicy, ...] = ()
    identity_assertions: tuple[AssertionPolicy, ...] = ()
    workload_identities: tuple[WorkloadIdentity, ...] = ()


USUAL_SECURITY = Security()
"""Of a client that said nothing."""


class ClientSecurityChanged(Struct, frozen=True, kw_only=True, gc=False, tag="client.security_changed"):
    security: Security
    was: Security

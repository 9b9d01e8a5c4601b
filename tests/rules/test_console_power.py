"""Which changes of a client's security settings give power, and so need a recent sign-in."""

import pytest

from service.console.authentication_form import changed, gives_power, said

BEFORE = {
    "tokenEndpointAuthMethod": "workload_identity",
    "workloadIdentities.0.issuer": "https://ci.example.com",
    "workloadIdentities.0.subject": "repo:acme/crm:main",
    "workloadIdentities.1.issuer": "",
    "tokenExchange.0.clients": "crm",
    "tokenExchange.0.audiences": "urn:example:crm",
    "tokenExchange.0.scopes": "crm:read",
    "identityAssertions.0.audience": "",
    "securityProfile": "fapi2",
    "dpopBoundAccessTokens": "yes",
    "tlsClientCertificateBoundAccessTokens": "",
}
"""The fields of a form about a client that has something of each kind."""

GIVES = {
    "another method": {"tokenEndpointAuthMethod": "client_secret_basic"},
    "an address of keys": {"tokenEndpointAuthMethod": "private_key_jwt", "jwksUri": "https://x.example/jwks"},
    "a name in a certificate": {"tokenEndpointAuthMethod": "tls_client_auth", "certificateName": "x"},
    "another workload": {"workloadIdentities.1.issuer": "https://ci.example.com", "workloadIdentities.1.subject": "x"},
    "a wider workload": {"workloadIdentities.0.subject": "repo:acme/*:main"},
    "a wider exchange": {"tokenExchange.0.scopes": "crm:read crm:write"},
    "an exchange that hides who acts": {"tokenExchange.0.impersonation": "yes"},
    "an assertion": {"identityAssertions.0.audience": "https://x.example", "identityAssertions.0.clientId": "x"},
    "no profile": {"securityProfile": ""},
    "no binding": {"dpopBoundAccessTokens": ""},
}
GIVES_NOT = {
    "nothing": {},
    "a name": {"displayName": "New"},
    "one more binding": {"tlsClientCertificateBoundAccessTokens": "yes"},
    "an exchange less": {"tokenExchange.0.remove": "yes"},
    "what the method does not use": {"jwksUri": "https://x.example/jwks"},
}


@pytest.mark.parametrize("form", GIVES.values(), ids=GIVES)
def test_it_gives_power(form: dict[str, str]):
    assert gives_power(changed({**BEFORE, **form}, BEFORE), said(BEFORE))


@pytest.mark.parametrize("form", GIVES_NOT.values(), ids=GIVES_NOT)
def test_it_gives_none(form: dict[str, str]):
    assert not gives_power(changed({**BEFORE, **form}, BEFORE), said(BEFORE))

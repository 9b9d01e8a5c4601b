"""The settings of a client in the management API: what a PATCH can name is what the command can change."""

from msgspec import UNSET, convert

from service.commands.authority import EVERYBODY
from service.endpoints.client_settings import ChangeOAuthClientRequest, change

EVERYTHING = {
    "displayName": "CRM",
    "redirectUris": ["https://app.example.com/cb"],
    "scopes": ["api:public"],
    "accessTokenSignedResponseAlg": "ES256",
    "requirePkce": True,
    "firstParty": True,
    "idTokenSignedResponseAlg": "ES256",
    "postLogoutRedirectUris": ["https://app.example.com/bye"],
    "backchannelLogoutUri": "https://app.example.com/logout",
    "idTokenClaims": "minimal",
    "tokenEndpointAuthMethod": "private_key_jwt",
    "tlsClientAuthSubjectDn": "x",
    "tlsClientAuthSanDns": "x",
    "tlsClientAuthSanUri": "x",
    "tlsClientAuthSanIp": "x",
    "tlsClientAuthSanEmail": "x",
    "tlsClientCertificateBoundAccessTokens": True,
    "securityProfile": "fapi2",
    "jwksUri": "https://app.example.com/jwks",
    "dpopBoundAccessTokens": True,
    "requirePushedAuthorizationRequests": True,
    "requireSignedRequestObject": True,
    "requestObjectSigningAlg": "PS256",
    "authorizationSignedResponseAlg": "ES256",
    "userinfoSignedResponseAlg": "ES256",
    "requestUris": ["https://app.example.com/request"],
    "defaultMaxAge": 3600,
    "requireAuthTime": True,
    "apis": [{"identifier": "urn:erp", "scopes": ["read"]}],
    "tokenExchange": [{"clients": ["app"], "audiences": ["urn:erp"], "scopes": ["read"]}],
    "identityAssertions": [{"audience": "https://as.example", "clientId": "there", "scopes": ["chat"]}],
    "deviceGrant": True,
    "workloadIdentities": [{"issuer": "https://ci.example", "subject": "repo:acme/*:ref:refs/heads/main"}],
}


def test_every_setting_that_the_command_can_change_is_a_field_of_the_request():
    assert EVERYTHING.keys() == set(ChangeOAuthClientRequest.__struct_encode_fields__)
    command = change(convert(EVERYTHING, ChangeOAuthClientRequest), EVERYBODY)
    missing = [
        name
        for part in (command, command.login, command.security)
        for name in part.__struct_fields__
        if getattr(part, name) is UNSET
    ]
    assert missing == []

"""Histories that leave nothing out: each command of each aggregate is in one of them, and each event happens in one of them."""

from typing import Any

from msgspec import structs

from events.client import Active, Disabled, Login
from events.client_security import Security
from service.commands import (
    access_token,
    api,
    api_grants,
    authorization,
    bot,
    client,
    client_document,
    consent,
    device_authorization,
    exchange,
    initial_access_token,
    login_change,
    restoration,
    security_change,
    session,
    signing_key,
    trusted_issuer,
    user,
)
from service.commands.authority import Holder
from service.values.scopes import OPERATORS
from tests.rules.samples import (
    ABOUT,
    ABOUT_CHANGED,
    ALLOWANCE,
    APIS_CHANGED,
    ASSERTED,
    AT,
    CODE_ISSUED,
    CRM,
    CRM_TERMS,
    DEVICE,
    DEVICE_APPROVED,
    DEVICE_REQUESTED,
    DOCUMENT_URL,
    EXCHANGED,
    GRANTED,
    HASH,
    INTERACTIVE,
    JWK,
    LATER,
    LOGIN_CHANGED,
    PASSWORD,
    PERSON,
    PROFILE,
    REGISTRATION,
    SECRET_IMPORTED,
    SECURITY_CHANGED,
    SESSION_ID,
    SOON,
    STREAM,
    TRUST,
    factor,
    hashed,
    key,
    secret,
)

OPERATOR = Holder(owner=None, sub="muniment", scopes=frozenset(OPERATORS))
CLIENTS = ("oauth_client_a", "oauth_client_b")
JTI = secret(1).secret_id

CLIENT = [
    client.RegisterClient(
        owner="alice",
        grant=INTERACTIVE.grant,
        display_name="CRM",
        redirect_uris=("https://a.example/cb",),
        scopes=("api:public",),
        secret=SECRET_IMPORTED,
        at=AT,
        registration=REGISTRATION,
    ),
    client.RehashSecret(secret_id=SECRET_IMPORTED.secret_id, hash=HASH, hint="…cret"),
    client.ChangeClient(
        by=OPERATOR,
        display_name="Sales",
        redirect_uris=("https://a.example/other",),
        scopes=(),
        login=login_change.LoginChange(**structs.asdict(LOGIN_CHANGED.login)),
        access_token_alg="RS256",
        security=security_change.security_of(SECURITY_CHANGED.security),
        apis=APIS_CHANGED.apis,
    ),
    client.ReplaceMetadata(change=client.ChangeClient(by=OPERATOR), about=ABOUT_CHANGED.about),
    api_grants.WithdrawApi(identifier=CRM),
    client.AddSecret(by=OPERATOR, secret=secret(2), at=AT, others_expire_at=LATER),
    client.DisableClient(by=OPERATOR),
    client.RevokeSecret(by=OPERATOR, secret_id=secret(2).secret_id),
    client.ChangeClient(by=OPERATOR, display_name=None),
    client.EnableClient(by=OPERATOR),
    client.DeleteClient(by=OPERATOR),
    restoration.RestoreClient(
        by=OPERATOR,
        then=Disabled(
            was=Active(
                owner="alice",
                grant=INTERACTIVE.grant,
                display_name="CRM",
                redirect_uris=("https://a.example/cb",),
                scopes=("api:public",),
                secrets=(),
            )
        ),
        as_of=1,
        created_at=AT,
        secret=secret(3),
        at=LATER,
    ),
    client.AddSecret(by=OPERATOR, secret=secret(2), at=LATER),
    client.AddKey(by=OPERATOR, key=key(1), at=AT),
    client.AddKey(by=OPERATOR, key=key(2), at=AT, others_expire_at=LATER),
    client.RevokeKey(by=OPERATOR, key_id=key(1).key_id),
]
DOCUMENT_CLIENT = [
    client_document.SeeDocument(
        url=DOCUMENT_URL,
        digest="a" * 64,
        display_name="CRM",
        redirect_uris=("https://a.example/cb",),
        scopes=("api:public",),
        login=Login(),
        security=Security(),
        about=ABOUT,
        at=AT,
    ),
    client_document.SeeDocument(
        url=DOCUMENT_URL,
        digest="b" * 64,
        display_name="Sales",
        redirect_uris=("https://a.example/other",),
        scopes=(),
        login=Login(id_token_alg="ES256"),
        security=Security(),
        about=ABOUT_CHANGED.about,
        at=LATER,
    ),
    client.DeleteClient(by=OPERATOR),
]
BOT = [
    bot.RegisterBot(owner="alice", email="crm@example.com", first_name="Cee", last_name=None, at=AT),
    bot.DisableBot(by=OPERATOR),
    bot.EnableBot(by=OPERATOR),
    bot.DeleteBot(by=OPERATOR),
    restoration.RestoreBot(
        by=OPERATOR, email="crm@example.com", first_name="Cee", last_name=None, disabled_by=None, as_of=1, at=LATER
    ),
]
API = [
    api.RegisterApi(identifier=CRM, terms=CRM_TERMS, at=AT),
    api.ChangeApi(change=api.TermsChange(name="Contacts", scopes=())),
    api.DeleteApi(),
    api.RegisterApi(identifier=CRM, terms=CRM_TERMS, at=LATER),
]
SIGNING_KEY = [
    signing_key.PublishKey(kid="key-1", alg="ES256", public_jwk=JWK, at=AT),
    signing_key.ActivateKey(at=AT),
    signing_key.RetireKey(at=LATER),
]
ACCESS_TOKEN = [access_token.RevokeToken(client_id=CLIENTS[0], expires_at=LATER, at=AT)]
USER = [
    user.RegisterUser(profile=PROFILE, password=PASSWORD, email_verified=False, at=AT),
    user.VerifyUser(at=SOON),
    user.ChangePassword(password=PASSWORD, at=SOON),
    user.ChangeProfile(profile=PROFILE, at=SOON),
    user.AddFactor(factor=factor(1)),
    user.GiveRole(role="operator", at=SOON),
    user.GiveRole(role="auditor", at=SOON),
    user.SetGroupRoles(roles=("operator", "owner"), at=SOON),
    user.TakeRole(role="operator", at=LATER),
    user.SetGroupRoles(roles=("auditor",), at=LATER),
    user.DisableUser(),
    user.AddFactor(factor=factor(2, "passkey")),
    user.RemoveFactor(factor_id=factor(1).factor_id),
    user.EnableUser(),
    user.EraseUser(at=LATER),
]
SESSION = [
    session.StartSession(
        user=PERSON, token_hash=hashed(1), amr=("pwd",), acr="1", device=DEVICE, at=AT, expires_at=LATER
    ),
    session.Reauthenticate(token_hash=hashed(2), amr=("hwk", "user"), acr="2", at=SOON),
    session.EndSession(why="signed_out", notify=CLIENTS, at=SOON),
    session.ReportUseAfterEnd(at=LATER),
    session.ReportNotified(client_id=CLIENTS[0], at=LATER),
    session.GiveUpNotifying(client_id=CLIENTS[1], why="HTTP 503", at=LATER),
]
CONSENT = [
    consent.GiveConsent(user=PERSON, client_id=CLIENTS[0], resource=None, scopes=("openid",), at=AT),
    consent.WithdrawConsent(at=SOON),
]
_GRANTED = [
    authorization.GrantAuthorization(granted=GRANTED, code=CODE_ISSUED),
    authorization.RedeemCode(jti=JTI, refresh=authorization.NewRefreshToken(hash=hashed(1), expires_at=LATER), at=AT),
    authorization.RotateRefreshToken(presented=hashed(1), next=hashed(2), jti=JTI, at=SOON),
]
REFUSED = [_GRANTED[0], authorization.RefuseRedemption(client_id=CLIENTS[1], why="another_client", at=AT)]
REVOKED = [*_GRANTED, authorization.RevokeAuthorization(why="user", at=SOON)]
CODE_REPLAYED = [*_GRANTED, authorization.RedeemCode(jti=JTI, refresh=None, at=LATER)]
REFRESH_TOKEN_REPLAYED = [
    *_GRANTED,
    authorization.RotateRefreshToken(presented=hashed(1), next=hashed(3), jti=JTI, at=LATER),
]

INITIAL_ACCESS_TOKEN = [
    initial_access_token.IssueInitialAccessToken(
        by=OPERATOR, name="CI", allows=ALLOWANCE, hash=HASH, hint="…cret", at=AT
    ),
    initial_access_token.UseInitialAccessToken(hash=HASH, client=STREAM, at=SOON),
    initial_access_token.RevokeInitialAccessToken(by=OPERATOR, at=LATER),
]
TRUSTED_ISSUER = [
    trusted_issuer.RegisterTrustedIssuer(issuer="https://ci.example.com", trust=TRUST, at=AT),
    trusted_issuer.ChangeTrustedIssuer(purposes=("workload", "id_jag"), provisions=True),
    trusted_issuer.DisableTrustedIssuer(),
    trusted_issuer.ChangeTrustedIssuer(name="Builds"),
    trusted_issuer.EnableTrustedIssuer(),
    trusted_issuer.DeleteTrustedIssuer(),
]
_ASKED = device_authorization.RequestDeviceAuthorization(requested=DEVICE_REQUESTED)
DEVICE_IN = [
    _ASKED,
    device_authorization.ApproveDevice(
        user=PERSON, session=SESSION_ID, authorization=DEVICE_APPROVED.authorization, device=DEVICE, at=AT
    ),
]
DEVICE_OUT = [_ASKED, device_authorization.DenyDevice(user=PERSON, session=SESSION_ID, at=AT)]

EXCHANGE = [exchange.RecordExchange(made=EXCHANGED)]
BY_ASSERTION = [
    authorization.AuthorizeByAssertion(granted=ASSERTED),
    authorization.RevokeAuthorization(why="user", at=SOON),
]

LIVES: dict[str, list[list[Any]]] = {
    "client": [CLIENT, DOCUMENT_CLIENT],
    "bot": [BOT],
    "api": [API],
    "signing key": [SIGNING_KEY],
    "access token": [ACCESS_TOKEN],
    "trusted issuer": [TRUSTED_ISSUER],
    "initial access token": [INITIAL_ACCESS_TOKEN],
    "exchange": [EXCHANGE],
    "user": [USER],
    "session": [SESSION],
    "consent": [CONSENT],
    "device authorization": [DEVICE_IN, DEVICE_OUT],
    "authorization": [BY_ASSERTION, REFUSED, REVOKED, CODE_REPLAYED, REFRESH_TOKEN_REPLAYED],
}
"""By the name of the aggregate, as in `EVERYTHING`."""

"""Histories that leave nothing out: each command of each aggregate is in one of them, and each event happens in one of them."""

from typing import Any

from service.commands.access_token import RevokeToken
from service.commands.authority import Holder
from service.commands.authorization import (
    GrantAuthorization,
    NewRefreshToken,
    RedeemCode,
    RefuseRedemption,
    RevokeAuthorization,
    RotateRefreshToken,
)
from service.commands.bot import DeleteBot, DisableBot, EnableBot, RegisterBot
from service.commands.client import (
    AddSecret,
    ChangeClient,
    DeleteClient,
    DisableClient,
    EnableClient,
    LoginChange,
    RegisterClient,
    RehashSecret,
    RevokeSecret,
)
from service.commands.consent import GiveConsent, WithdrawConsent
from service.commands.session import (
    EndSession,
    GiveUpNotifying,
    Reauthenticate,
    ReportNotified,
    ReportUseAfterEnd,
    StartSession,
)
from service.commands.signing_key import ActivateKey, PublishKey, RetireKey
from service.commands.user import (
    AddFactor,
    ChangePassword,
    ChangeProfile,
    DisableUser,
    EnableUser,
    EraseUser,
    RegisterUser,
    RemoveFactor,
    VerifyUser,
)
from service.scopes import OPERATORS
from tests.rules.samples import (
    AT,
    CODE_ISSUED,
    DEVICE,
    GRANTED,
    HASH,
    INTERACTIVE,
    JWK,
    LATER,
    PASSWORD,
    PERSON,
    PROFILE,
    SECRET_IMPORTED,
    SOON,
    factor,
    hashed,
    secret,
)

OPERATOR = Holder(owner=None, sub="muniment", scopes=frozenset(OPERATORS))
LOGIN = LoginChange(
    require_pkce=False,
    first_party=True,
    id_token_alg="ES256",
    post_logout_redirect_uris=("https://a.example/bye",),
    backchannel_logout_uri="https://a.example/logout",
    id_token_claims="minimal",
)
CLIENTS = ("oauth_client_a", "oauth_client_b")
JTI = secret(1).secret_id

CLIENT = [
    RegisterClient(
        owner="alice",
        grant=INTERACTIVE.grant,
        display_name="CRM",
        redirect_uris=("https://a.example/cb",),
        scopes=("api:public",),
        secret=SECRET_IMPORTED,
        at=AT,
    ),
    RehashSecret(secret_id=SECRET_IMPORTED.secret_id, hash=HASH, hint="…cret"),
    ChangeClient(
        by=OPERATOR,
        display_name="Sales",
        redirect_uris=("https://a.example/other",),
        scopes=(),
        login=LOGIN,
        access_token_alg="RS256",
    ),
    AddSecret(by=OPERATOR, secret=secret(2), at=AT),
    DisableClient(by=OPERATOR),
    RevokeSecret(by=OPERATOR, secret_id=secret(2).secret_id),
    ChangeClient(by=OPERATOR, display_name=None),
    EnableClient(by=OPERATOR),
    DeleteClient(by=OPERATOR),
]
BOT = [
    RegisterBot(owner="alice", email="crm@example.com", first_name="Cee", last_name=None, at=AT),
    DisableBot(by=OPERATOR),
    EnableBot(by=OPERATOR),
    DeleteBot(by=OPERATOR),
]
SIGNING_KEY = [
    PublishKey(kid="key-1", alg="ES256", public_jwk=JWK, at=AT),
    ActivateKey(at=AT),
    RetireKey(at=LATER),
]
ACCESS_TOKEN = [RevokeToken(client_id=CLIENTS[0], expires_at=LATER, at=AT)]
USER = [
    RegisterUser(profile=PROFILE, password=PASSWORD, email_verified=False, at=AT),
    VerifyUser(at=SOON),
    ChangePassword(password=PASSWORD, at=SOON),
    ChangeProfile(profile=PROFILE, at=SOON),
    AddFactor(factor=factor(1)),
    DisableUser(),
    AddFactor(factor=factor(2, "passkey")),
    RemoveFactor(factor_id=factor(1).factor_id),
    EnableUser(),
    EraseUser(at=LATER),
]
SESSION = [
    StartSession(user=PERSON, token_hash=hashed(1), amr=("pwd",), acr="1", device=DEVICE, at=AT, expires_at=LATER),
    Reauthenticate(token_hash=hashed(2), amr=("hwk", "user"), acr="2", at=SOON),
    EndSession(why="signed_out", notify=CLIENTS, at=SOON),
    ReportUseAfterEnd(at=LATER),
    ReportNotified(client_id=CLIENTS[0], at=LATER),
    GiveUpNotifying(client_id=CLIENTS[1], why="HTTP 503", at=LATER),
]
CONSENT = [
    GiveConsent(user=PERSON, client_id=CLIENTS[0], resource=None, scopes=("openid",), at=AT),
    WithdrawConsent(at=SOON),
]
_GRANTED = [
    GrantAuthorization(granted=GRANTED, code=CODE_ISSUED),
    RedeemCode(jti=JTI, refresh=NewRefreshToken(hash=hashed(1), expires_at=LATER), at=AT),
    RotateRefreshToken(presented=hashed(1), next=hashed(2), jti=JTI, at=SOON),
]
REFUSED = [_GRANTED[0], RefuseRedemption(client_id=CLIENTS[1], why="another_client", at=AT)]
REVOKED = [*_GRANTED, RevokeAuthorization(why="user", at=SOON)]
CODE_REPLAYED = [*_GRANTED, RedeemCode(jti=JTI, refresh=None, at=LATER)]
REFRESH_TOKEN_REPLAYED = [*_GRANTED, RotateRefreshToken(presented=hashed(1), next=hashed(3), jti=JTI, at=LATER)]

LIVES: dict[str, list[list[Any]]] = {
    "client": [CLIENT],
    "bot": [BOT],
    "signing key": [SIGNING_KEY],
    "access token": [ACCESS_TOKEN],
    "user": [USER],
    "session": [SESSION],
    "consent": [CONSENT],
    "authorization": [REFUSED, REVOKED, CODE_REPLAYED, REFRESH_TOKEN_REPLAYED],
}
"""By the name of the aggregate, as in `EVERYTHING`."""

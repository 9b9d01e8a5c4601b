"""What comes of a sign-in: an authorization with its code, the tokens for a code or a refresh token, and who somebody is."""

import secrets
import time
from hashlib import sha256
from urllib.parse import urlencode
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.util import urlsafe_b64encode
from msgspec import Raw, Struct, json
from uuid_utils.compat import uuid7

from tests.bench.ceiling.known import COOKIE, ISSUER, KID
from tests.bench.ceiling.program import Program
from tests.bench.ceiling.registration import meta
from tests.bench.ceiling.requests import NOTHING, TOKENS, Answer, Asked, Refused, bearer_of, cookie_of, pairs_of
from tests.bench.ceiling.tokens import LIFETIME, Claims, sign, verified

CALLBACK = "https://app.example.com/cb"


class IdClaims(Struct, frozen=True, kw_only=True):
    iss: str
    sub: str
    aud: str
    exp: int
    iat: int
    auth_time: int
    acr: str
    amr: tuple[str, ...]
    sid: str
    at_hash: str
    name: str
    given_name: str
    family_name: str
    email: str
    email_verified: bool
    updated_at: int


class About(Struct, frozen=True):
    name: str
    given_name: str
    family_name: str
    email: str
    email_verified: bool
    updated_at: int


def _secret(kind: str, authorization: UUID) -> str:
    return f"{kind}_{authorization.hex}_{secrets.token_urlsafe(32)}"


def _authorization(secret: str) -> UUID:
    return UUID(secret.split("_", 2)[1])


def _hash(text: str) -> bytes:
    return sha256(text.encode()).digest()


async def authorize(program: Program, asked: Asked) -> Answer:
    """Of somebody who is signed in and has consented."""
    query = pairs_of(asked.query)
    client, session = program.clients[query["client_id"]][0], cookie_of(asked, COOKIE).split(".")
    if (
        query["response_type"] != "code"
        or query["redirect_uri"] != CALLBACK
        or query["code_challenge_method"] != "S256"
    ):
        raise Refused(400)
    authorization, now = uuid7(), time.time()
    code = _secret("code", authorization)
    granted = {"client": client, "session": session[0], "scopes": query["scope"], "auth_time": now, "amr": ("pwd",)}
    issued = {"redirect_uri": CALLBACK, "named": True, "code_challenge": query["code_challenge"], "at": now}
    rows = await program.authorize(
        authorization,
        UUID(session[0]),
        _hash(session[1]),
        client,
        query["scope"],
        _hash(code),
        query["code_challenge"],
        meta(),
        json.encode(granted),
        json.encode(issued),
    )
    if authorization not in rows:
        raise Refused(403)
    back = urlencode({"code": code, "state": query["state"], "iss": ISSUER})
    return Answer(b"", 303, NOTHING, f"{CALLBACK}?{back}")


async def redeem(program: Program, form: dict[str, str], client: UUID) -> Answer:
    authorization, jti = _authorization(form["code"]), uuid7()
    if form["redirect_uri"] != CALLBACK:
        raise Refused(400)
    challenge = urlsafe_b64encode(_hash(form["code_verifier"])).decode()
    refresh = _secret("refresh", authorization)
    events = meta(), json.encode({"jti": jti, "at": time.time()}), _recorded()
    code = _hash(form["code"])
    rows = await program.redeem(authorization, code, client, challenge, _hash(refresh), jti, *events)
    return _tokens(program, form["client_id"], jti, rows.get(authorization), refresh)


async def exchange(program: Program, form: dict[str, str], client: UUID) -> Answer:
    authorization, jti = _authorization(form["refresh_token"]), uuid7()
    following = _secret("refresh", authorization)
    events = meta(), json.encode({"jti": jti, "hash": following[-43:], "at": time.time()}), _recorded()
    presented = _hash(form["refresh_token"])
    rows = await program.refresh(authorization, presented, client, _hash(following), jti, *events)
    return _tokens(program, form["client_id"], jti, rows.get(authorization), following)


def _recorded() -> bytes:
    return json.encode({"scope": "openid", "kid": KID, "exp": int(time.time()) + LIFETIME, "address": "127.0.0.1"})


def _tokens(
    program: Program, client_id: str, jti: UUID, row: tuple[UUID, UUID, UUID, list[str], bytes] | None, refresh: str
) -> Answer:
    """Both signed, for the row that the statement returned of the authorization. Raises Refused without one."""
    if row is None:
        raise Refused(400)
    authorization, person, session, scopes, about = row
    sub, scope, now = str(person), " ".join(scopes), int(time.time())
    claims = Claims(
        iss=ISSUER,
        sub=sub,
        aud=ISSUER,
        client_id=client_id,
        scope=scope,
        iat=now,
        exp=now + LIFETIME,
        jti=jti,
        grant_id=authorization,
    )
    token = sign(program, claims)
    id_token = _id_token(program, claims, session, token, json.decode(about, type=About))
    answer = {
        "access_token": token,
        "token_type": "Bearer",
        "expires_in": LIFETIME,
        "scope": scope,
        "id_token": id_token,
    }
    answer = {**answer, "refresh_token": refresh} if "offline_access" in scopes else answer
    return Answer(json.encode(answer), 200, TOKENS)


def _id_token(program: Program, claims: Claims, session: UUID, token: str, about: About) -> str:
    said = IdClaims(
        iss=ISSUER,
        sub=claims.sub,
        aud=claims.client_id,
        exp=claims.exp,
        iat=claims.iat,
        auth_time=claims.iat,
        acr="1",
        amr=("pwd",),
        sid=str(session),
        at_hash=urlsafe_b64encode(_hash(token)[:16]).decode(),
        name=about.name,
        given_name=about.given_name,
        family_name=about.family_name,
        email=about.email,
        email_verified=about.email_verified,
        updated_at=about.updated_at,
    )
    if claims.client_id == program.by_es256:
        return sign(program, said, program.es256_id_header)
    return _signed_by_rsa(program, said)


def _signed_by_rsa(program: Program, claims: Struct) -> str:
    """RS256, which OpenID Connect takes where the client asks for nothing else."""
    signed = program.id_header + b"." + urlsafe_b64encode(json.encode(claims))
    return (signed + b"." + urlsafe_b64encode(program.id_key.sign(signed, PKCS1v15(), SHA256()))).decode()


async def userinfo(program: Program, asked: Asked) -> Answer:
    claims = verified(program, bearer_of(asked))
    if claims is None or claims.grant_id is None or claims.exp <= time.time() or "openid" not in claims.scope.split():
        raise Refused(401)
    row = (await program.userinfo(claims.grant_id)).get(claims.grant_id)
    if row is None:
        raise Refused(401)
    return Answer(json.encode({"sub": claims.sub, **json.decode(row[1], type=dict[str, Raw])}))

"""Access tokens: issued to a client by its secret or its key, and asked about."""

import asyncio
import time
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.util import urlsafe_b64decode, urlsafe_b64encode
from msgspec import Struct, json
from uuid_utils.compat import uuid7

from tests.bench.ceiling import keys
from tests.bench.ceiling.known import ISSUER, KID, SCOPE, URL
from tests.bench.ceiling.program import Program
from tests.bench.ceiling.requests import TOKENS, Answer, Asked, Refused, form_of

ES256 = ec.ECDSA(SHA256())
LIFETIME = 3600
INACTIVE = Answer(b'{"active":false}', 200, TOKENS)


class Claims(Struct, frozen=True, kw_only=True, omit_defaults=True):
    iss: str
    sub: str
    aud: str
    client_id: str
    scope: str
    iat: int
    exp: int
    jti: UUID
    cnf: dict[str, str] | None = None
    grant_id: UUID | None = None


def sign(program: Program, claims: Struct, header: bytes | None = None) -> str:
    """By ES256, as an access token unless the header is of another kind."""
    signed = (header or program.header) + b"." + urlsafe_b64encode(json.encode(claims))
    r, s = decode_dss_signature(program.key.sign(signed, ES256))
    return (signed + b"." + urlsafe_b64encode(r.to_bytes(32) + s.to_bytes(32))).decode()


def verified(program: Program, token: str) -> Claims | None:
    """The claims of a token that is good by its signature, which is verified once."""
    if (claims := program.good.get(token)) is not None:
        return claims
    signed, _, signature = token.rpartition(".")
    raw = urlsafe_b64decode(signature.encode())
    der = encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
    try:
        program.public.verify(der, signed.encode(), ES256)
    except InvalidSignature:
        return None
    claims = json.decode(urlsafe_b64decode(signed.split(".")[1].encode()), type=Claims)
    if len(program.good) >= 10_000:
        program.good.pop(next(iter(program.good)))
    program.good[token] = claims
    return claims


async def by_key(program: Program, asked: Asked) -> Answer:
    form = form_of(asked)
    if form["grant_type"] != "client_credentials":
        raise Refused(400)
    by = keys.proved(form, asked.headers[b"dpop"].decode(), program.by_key, ISSUER, URL)
    if by is None:
        raise Refused(401)
    until = keys.until()
    fresh = await asyncio.gather(*(program.use(key, until) for key in by.used))
    if any(key not in rows for key, rows in zip(by.used, fresh, strict=True)):
        raise Refused(401)
    return await of_client(program, {**form, "client_id": by.client_id}, program.clients[by.client_id][0], by.jkt)


async def of_client(program: Program, form: dict[str, str], client: UUID, jkt: str | None = None) -> Answer:
    scope = form.get("scope", SCOPE)
    if not program.scopes.issuperset(scope.split()):
        raise Refused(400)
    now = int(time.time())
    claims = Claims(
        iss=ISSUER,
        sub="bot-abc123",
        aud=ISSUER,
        client_id=form["client_id"],
        scope=scope,
        iat=now,
        exp=now + LIFETIME,
        jti=uuid7(),
        cnf=None if jkt is None else {"jkt": jkt},
    )
    told = {"sub": claims.sub, "scope": scope, "kid": KID, "exp": claims.exp, "address": "127.0.0.1"}
    await program.issue(client, claims.jti, json.encode(told))
    kind, token = "Bearer" if jkt is None else "DPoP", sign(program, claims)
    answer = {"access_token": token, "token_type": kind, "expires_in": LIFETIME, "scope": scope}
    return Answer(json.encode(answer), 200, TOKENS)


async def introspect(program: Program, asked: Asked) -> Answer:
    form = form_of(asked)
    program.authenticated(form)
    claims = verified(program, form["token"])
    if claims is None or claims.exp <= time.time() or claims.client_id not in program.clients:
        return INACTIVE
    if claims.jti in await program.revoked(claims.jti):
        return INACTIVE
    answer = {"active": True, "token_type": "Bearer", "iss": claims.iss, "sub": claims.sub, "aud": claims.aud, "client_id": claims.client_id,
              "scope": claims.scope, "iat": claims.iat, "exp": claims.exp, "jti": claims.jti}  # fmt: skip
    return Answer(json.encode(answer), 200, TOKENS)

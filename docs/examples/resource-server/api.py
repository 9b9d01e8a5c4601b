"""An API that verifies Muniment's access tokens by itself (RFC 9068 section 4), in FastAPI with PyJWT.

It takes bearer tokens, and tokens that are bound to a key, with their proof (DPoP, RFC 9449).
"""

import os
from collections.abc import Callable
from typing import Annotated

import dpop
import jwt
from fastapi import Depends, FastAPI, HTTPException, Request

ISSUER = os.environ.get("ISSUER", "http://127.0.0.1:8000")
AUDIENCE = os.environ.get("AUDIENCE", "http://127.0.0.1:8001")
"""This API's own URL: clients name it as `resource` when they ask for a token."""

# PyJWT keeps the keys for five minutes, and fetches them early when a token names a key that it does not know,
# which is how a rotation of keys goes unnoticed.
keys = jwt.PyJWKClient(f"{ISSUER}/openid/jwks", lifespan=300)
CHALLENGES = f'DPoP algs="{" ".join(dpop.ALGORITHMS)}", Bearer'
app = FastAPI(title="Notes")


# `def`, not `async def`: fetching the keys blocks, and FastAPI runs plain functions in threads.
def caller(request: Request) -> dict:
    """The claims of the request's access token, which has been verified."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() not in ("bearer", "dpop"):
        raise refused(401, CHALLENGES)
    try:
        claims = verified(token.strip())
        check_binding(request, scheme.lower(), token.strip(), claims)
    except dpop.BadProof as error:
        raise refused(401, 'DPoP error="invalid_dpop_proof"', str(error)) from None
    except jwt.PyJWKClientConnectionError:
        raise HTTPException(503, "The keys of the issuer cannot be reached.") from None
    except jwt.PyJWTError as error:
        raise refused(
            401, f'{"DPoP" if scheme.lower() == "dpop" else "Bearer"} error="invalid_token"', str(error)
        ) from None
    return claims


def check_binding(request: Request, scheme: str, token: str, claims: dict) -> None:
    """A token that is bound to a key is worth nothing without a proof, and a proof needs such a token (RFC 9449 section 7.1)."""
    binding = claims.get("cnf", {})
    thumbprint = binding.get("jkt")
    if binding and thumbprint is None:
        raise jwt.InvalidTokenError("This token is bound to something that this API does not check.")
    if (thumbprint is None) == (scheme == "dpop"):
        raise jwt.InvalidTokenError("Send a token of the type DPoP as DPoP, and every other as Bearer.")
    if thumbprint is not None:
        # The URL that clients know: this API's own, not what a Host header says.
        url = f"{AUDIENCE}{request.url.path}"
        dpop.check(request.headers.getlist("dpop"), method=request.method, url=url, token=token, thumbprint=thumbprint)


def verified(token: str) -> dict:
    # An ID token has the same issuer and the same keys; the type tells that it is no access token.
    if str(jwt.get_unverified_header(token).get("typ")).lower() not in ("at+jwt", "application/at+jwt"):
        raise jwt.InvalidTokenError("This is not an access token (typ at+jwt).")
    return jwt.decode(
        token,
        keys.get_signing_key_from_jwt(token),
        # Name the algorithms: what the token itself says about them is not to be trusted.
        algorithms=["ES256"],
        issuer=ISSUER,
        audience=AUDIENCE,  # a token for another API is refused, even though its signature is right
        options={"require": ["iss", "sub", "aud", "exp", "iat", "jti", "client_id"]},
    )


Claims = Annotated[dict, Depends(caller)]


def needs(scope: str) -> Callable[[dict], dict]:
    """A dependency: the claims of a token that has this scope."""

    def checked(claims: Claims) -> dict:
        if scope not in claims.get("scope", "").split():
            raise refused(403, f'Bearer error="insufficient_scope", scope="{scope}"', f"This needs the scope {scope}.")
        return claims

    return checked


def refused(status: int, challenge: str, detail: str = "An access token is required.") -> HTTPException:
    """A refusal with the challenge that tells a client why (RFC 6750 section 3)."""
    return HTTPException(status, detail, {"WWW-Authenticate": challenge})


@app.get("/me")
def me(claims: Claims) -> dict:
    return {"sub": claims["sub"], "client_id": claims["client_id"], "scope": claims.get("scope", "")}


@app.get("/notes")
def notes(claims: Annotated[dict, Depends(needs("notes:read"))]) -> dict:
    # `sub` is whom the request is for: a person, or the bot that a machine acts as.
    return {"owner": claims["sub"], "notes": ["Water the plants", "Read RFC 9068"]}

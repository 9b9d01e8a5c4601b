"""Proofs of possession (DPoP, RFC 9449 section 4.3): the sender of a token has the key that it is bound to."""

import base64
import hashlib
import hmac
import json
import time

import jwt

ALGORITHMS = ["ES256", "EdDSA"]
MEMBERS = {"EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x")}
"""What a thumbprint is made of (RFC 7638 section 3.2)."""

SECONDS = 60
seen: dict[str, float] = {}
"""The proofs of the last minutes, of this process. Several processes share them in a database."""


class BadProof(Exception):
    """The request is refused with the error invalid_dpop_proof."""


def check(proofs: list[str], *, method: str, url: str, token: str, thumbprint: str) -> None:
    """`proofs` are the values of the header DPoP; `url` is the request's, without its query."""
    if len(proofs) != 1:
        raise BadProof("Send one proof in the header DPoP.")
    try:
        header = jwt.get_unverified_header(proofs[0])
        key = _key(header)
        claims = jwt.decode(
            proofs[0],
            jwt.PyJWK(key, header["alg"]),
            algorithms=ALGORITHMS,
            options={"require": ["jti", "htm", "htu", "iat", "ath"], "verify_iat": False},
        )
    except (jwt.PyJWTError, KeyError, TypeError, ValueError) as error:
        raise BadProof("The proof is no JWT that its own key signed.") from error
    if not hmac.compare_digest(_thumbprint(key), thumbprint):
        raise BadProof("The token is bound to another key.")
    if (claims["htm"], str(claims["htu"]).partition("?")[0].partition("#")[0]) != (method, url):
        raise BadProof("The proof is for another request.")
    if claims["ath"] != _hash(token.encode()):
        raise BadProof("The proof is for another token.")
    _is_new(str(claims["jti"]), claims["iat"])


def _key(header: dict) -> dict:
    key = header["jwk"]
    if header.get("typ") != "dpop+jwt" or header["alg"] not in ALGORITHMS or "d" in key:
        raise ValueError
    return key


def _is_new(jti: str, iat: object) -> None:
    now = time.time()
    if not isinstance(iat, int | float) or abs(now - iat) > SECONDS:
        raise BadProof("The proof is too old, or of the future.")
    for old in [each for each, until in seen.items() if until < now]:
        del seen[old]
    if seen.setdefault(jti, until := now + 2 * SECONDS) != until:
        raise BadProof("The proof was used before.")


def _thumbprint(key: dict) -> str:
    members = {name: key[name] for name in MEMBERS[key["kty"]]}
    return _hash(json.dumps(members, separators=(",", ":"), sort_keys=True).encode())


def _hash(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()

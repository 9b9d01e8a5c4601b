"""Token requests by key: a client assertion (RFC 7523) and a DPoP proof (RFC 9449), new in each request, as they must be."""

import time
from collections.abc import Iterator, Sequence
from hashlib import sha256
from itertools import cycle, islice
from typing import Any
from urllib.parse import urlencode

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.util import urlsafe_b64encode
from msgspec import Struct, json
from uuid_utils.compat import uuid7

ES256 = ec.ECDSA(SHA256())
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_SECONDS = 240
SCOPE = "api:public"
A_ROUND = 4000
"""How many requests are signed before a round begins: more than either program answers in it."""


def key_of(number: int) -> ec.EllipticCurvePrivateKey:
    """The key of the client of that number: both programs, and the load generator, know the same keys."""
    return ec.derive_private_key(int.from_bytes(sha256(f"bench {number}".encode()).digest()[:31]) + 1, ec.SECP256R1())


def public_jwk(key: ec.EllipticCurvePrivateKey) -> dict[str, str]:
    numbers = key.public_key().public_numbers()
    x, y = (urlsafe_b64encode(each.to_bytes(32)).decode() for each in (numbers.x, numbers.y))
    return {"kty": "EC", "crv": "P-256", "x": x, "y": y}


class ByKey(Struct, frozen=True, kw_only=True):
    """A client that authenticates by its key, to which its tokens are bound too. `audience` is the issuer, `url` that of the endpoint."""

    client_id: str
    key: ec.EllipticCurvePrivateKey
    audience: str
    url: str

    def form(self, now: int) -> bytes:
        claims = {"iss": self.client_id, "sub": self.client_id, "aud": self.audience}
        assertion = self._signed({"typ": "JWT"}, {**claims, **_once(), "iat": now, "exp": now + ASSERTION_SECONDS})
        asked = {"grant_type": "client_credentials", "scope": SCOPE, "client_assertion_type": ASSERTION_TYPE}
        return urlencode({**asked, "client_assertion": assertion}).encode()

    def proof(self, now: int) -> str:
        header = {"typ": "dpop+jwt", "jwk": public_jwk(self.key)}
        return self._signed(header, {**_once(), "htm": "POST", "htu": self.url, "iat": now})

    def _signed(self, header: dict[str, Any], claims: dict[str, Any]) -> str:
        said = b".".join(map(_segment, ({**header, "alg": "ES256"}, claims)))
        r, s = decode_dss_signature(self.key.sign(said, ES256))
        return (said + b"." + urlsafe_b64encode(r.to_bytes(32) + s.to_bytes(32))).decode()


def signed_now(clients: Sequence[ByKey], count: int = A_ROUND) -> Iterator[tuple[bytes, str]]:
    """(form, proof) of so many requests, all signed before the first is given away; they are good for a minute."""
    now = int(time.time())
    return iter([(each.form(now), each.proof(now)) for each in islice(cycle(clients), count)])


def _once() -> dict[str, str]:
    return {"jti": uuid7().hex}


def _segment(said: dict[str, Any]) -> bytes:
    return urlsafe_b64encode(json.encode(said))

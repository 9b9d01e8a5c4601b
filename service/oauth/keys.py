"""The signing keys of this process: each is imported once, one of each algorithm is active, and the public keys form a JWKS (RFC 7517)."""

import asyncio
import time
from datetime import timedelta
from math import inf
from typing import Any
from uuid import UUID

from joserfc.jwk import ECKey, OKPKey, RSAKey
from msgspec import Struct, convert, json, to_builtins

from events.database import Connection
from events.signing_key import PublicJwk
from projections import signing_keys
from service.crypto.sealing import Seal
from service.oauth.signing import ALGORITHMS, Signer, signer
from service.vault import private_keys
from service.vault.private_keys import Jwk, WrongMasterKey

PRIVATE = ("kty", "crv", "x", "y", "d", "n", "e", "p", "q", "dp", "dq", "qi")
RSA_BITS = 2048
LEEWAY = timedelta(minutes=5)
"""How much longer than its last token a retired key stays in the JWKS, for resource servers whose clocks are slow."""


Key = ECKey | RSAKey | OKPKey


class Verifier(Struct, frozen=True):
    """A public key and its published JWK. It verifies tokens before `until` and id_token_hints before `hints_until`.

    The times are in seconds since 1970.
    """

    alg: str
    key: Key
    jwk: dict[str, Any]
    until: float
    hints_until: float


class KeyRing:
    """The keys that sign and verify now. They are reloaded after each event of a signing key.

    A retired key stays until the last token that it signed has expired, and for hints as long as a session may last.
    """

    def __init__(self, master_key: bytes, *, longest_token: timedelta, longest_session: timedelta) -> None:
        self._seal = private_keys.wrapping(master_key)
        self._kept_for, self._kept_for_hints = longest_token + LEEWAY, longest_session + LEEWAY
        self._verifiers: dict[str, Verifier] = {}
        self.signers: dict[str, Signer] = {}

    async def load(self, connection: Connection) -> None:
        """Load all public keys and the active private keys. Raises WrongMasterKey."""
        rows = await signing_keys.every(connection)
        self.know(rows)
        for alg in ALGORITHMS:
            active = signing_keys.active(rows, alg)
            known = self.signers.get(alg)
            if active is not None and (known is None or known.kid != active.kid):
                self.signers[alg] = await self._signer(connection, active)

    def know(self, rows: list[signing_keys.Row]) -> None:
        """Replace the public keys. A key whose algorithm only a later version supports is left out."""
        self._verifiers = {row.kid: self._verifier(row) for row in rows if row.alg in ALGORITHMS}

    def verifier(self, kid: str) -> Verifier | None:
        """Return the key with this `kid`, unless every token that it signed has expired."""
        known = self._verifiers.get(kid)
        return known if known and time.time() < known.until else None

    def until(self) -> float:
        """Return from when on one key fewer verifies tokens, in seconds since 1970, unless something happens before."""
        now = time.time()
        return min((known.until for known in self._verifiers.values() if now < known.until), default=inf)

    def hint_verifier(self, kid: str) -> Verifier | None:
        """Return the key with this `kid`, unless every session of an ID token that it signed has ended."""
        known = self._verifiers.get(kid)
        return known if known and time.time() < known.hints_until else None

    def any_verifier(self, kid: str) -> Verifier | None:
        """Return the key with this `kid`, however long ago it retired: it says whose a token is, not that the token is valid."""
        return self._verifiers.get(kid)

    def jwks(self) -> bytes:
        """Return the JSON Web Key Set: active, next and recently retired keys. A key is published before it first signs, so that a
        cached copy already contains it.
        """
        now = time.time()
        return json.encode({"keys": [known.jwk for known in self._verifiers.values() if now < known.until]})

    def _verifier(self, row: signing_keys.Row) -> Verifier:
        public = to_builtins(row.public_jwk)
        retired = row.retired_at
        return Verifier(
            alg=row.alg,
            key=_imported(row.alg, public),
            jwk={**public, "kid": row.kid, "alg": row.alg, "use": "sig"},
            until=(retired + self._kept_for).timestamp() if retired else inf,
            hints_until=(retired + self._kept_for_hints).timestamp() if retired else inf,
        )

    async def _signer(self, connection: Connection, row: signing_keys.Row) -> Signer:
        jwk = await private_keys.find(connection, self._seal, row.stream_id)
        if jwk is None:
            raise WrongMasterKey(f"the private part of the signing key {row.kid} is not in the vault")
        # In a thread: an RSA key takes 29 ms to import.
        key = (await asyncio.to_thread(_imported, row.alg, jwk)).private_key
        assert key is not None
        return signer(row.kid, row.alg, key)


class NewKey(Struct, frozen=True):
    kid: str
    public_jwk: PublicJwk
    wrapped: bytes


def generate(seal: Seal, stream: UUID, alg: str) -> NewKey:
    """Generate a P-256, RSA or Ed25519 key. Its `kid` is its thumbprint (RFC 7638) and its private key is wrapped for `stream`.

    An RSA key takes 0.1 s.
    """
    key = _generated(alg)
    private = json.encode({name: value for name, value in key.as_dict(private=True).items() if name in PRIVATE})
    return NewKey(key.thumbprint(), convert(key.as_dict(private=False), PublicJwk), seal.close(private, stream.bytes))


def _imported(alg: str, jwk: Jwk) -> Key:
    match alg:
        case "RS256":
            return RSAKey.import_key(jwk)
        case "EdDSA":
            return OKPKey.import_key(jwk)
        case _:
            return ECKey.import_key(jwk)


def _generated(alg: str) -> Key:
    match alg:
        case "RS256":
            return RSAKey.generate_key(RSA_BITS)
        case "EdDSA":
            return OKPKey.generate_key("Ed25519")
        case _:
            return ECKey.generate_key("P-256")

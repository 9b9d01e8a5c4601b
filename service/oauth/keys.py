"""The signing keys of this process: imported once each, one of them active, their public parts as a JWKS (RFC 7517)."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from joserfc.jwk import ECKey, RSAKey
from joserfc.util import urlsafe_b64encode
from msgspec import Struct, convert, json

from events.database import AnyConnection, Connection, Unavailable
from events.signing_key import PublicJwk
from projections import signing_keys
from service.sealing import CannotOpen, Seal

ES256, RS256 = "ES256", "RS256"
ALGORITHM = ES256
"""That of access tokens. ID tokens are RS256 unless their client asks otherwise (OpenID Connect Core 1.0 section 3.1.3.7)."""

ALGORITHMS = (ES256, RS256)
PRIVATE = ("kty", "crv", "x", "y", "d", "n", "e", "p", "q", "dp", "dq", "qi")
RSA_BITS = 2048
KEEP = "insert into vault.signing_keys (stream_id, wrapped) values ($1, $2)"
WRAPPED = "select wrapped from vault.signing_keys"
EVERY = "select stream_id, wrapped from vault.signing_keys"
REWRAP = "update vault.signing_keys set wrapped = $2 where stream_id = $1"

LEEWAY = timedelta(minutes=5)
"""How much longer than its last token a retired key stays in the JWKS, for clocks that go slow."""


Jwk = dict[str, str | list[str]]


class WrongMasterKey(Unavailable):
    """The master key is not the one that the signing keys were wrapped with."""


class Signer(Struct, frozen=True):
    """The key that signs, and the segment that its every access token begins with."""

    kid: str
    alg: str
    key: EllipticCurvePrivateKey | RSAPrivateKey
    header: bytes


class KeyRing:
    """What can be signed and verified now. Reloaded whenever something happened to a key."""

    def __init__(self, master_key: bytes, longest_token: timedelta) -> None:
        self._seal = wrapping(master_key)
        self._kept_for = longest_token + LEEWAY
        self._rows: list[signing_keys.Row] = []
        self._verifiers: dict[str, ECKey | RSAKey] = {}
        self.signers: dict[str, Signer] = {}

    async def load(self, connection: Connection) -> None:
        """Raises WrongMasterKey."""
        self._rows = await signing_keys.every(connection)
        self._verifiers = {row.kid: _public(row) for row in self._rows}
        for alg in ALGORITHMS:
            active = signing_keys.active(self._rows, alg)
            known = self.signers.get(alg)
            if active is not None and (known is None or known.kid != active.kid):
                self.signers[alg] = await self._signer(connection, active)

    @property
    def signer(self) -> Signer | None:
        """The key that signs access tokens."""
        return self.signers.get(ALGORITHM)

    def verifier(self, kid: str) -> ECKey | RSAKey | None:
        """The key of this name, while a token of its may be alive."""
        now = datetime.now(UTC)
        alive = any(row.kid == kid and row.verifies_at(now, self._kept_for) for row in self._rows)
        return self._verifiers.get(kid) if alive else None

    def jwks(self) -> bytes:
        """Active, next and lately retired keys; the next one is there before it signs, so no cached copy is ever too old."""
        now = datetime.now(UTC)
        rows = [row for row in self._rows if row.verifies_at(now, self._kept_for)]
        return json.encode(
            {
                "keys": [
                    {**json.decode(json.encode(r.public_jwk)), "kid": r.kid, "alg": r.alg, "use": "sig"} for r in rows
                ]
            }
        )

    async def _signer(self, connection: Connection, row: signing_keys.Row) -> Signer:
        wrapped = await connection.fetchval(f"{WRAPPED} where stream_id = $1", row.stream_id)
        if wrapped is None:
            raise WrongMasterKey(f"the private part of the signing key {row.kid} is not in the vault")
        header = urlsafe_b64encode(json.encode({"alg": row.alg, "kid": row.kid, "typ": "at+jwt"}))
        jwk = unwrap(self._seal, row.stream_id, wrapped)
        # In a thread: an RSA key takes 29 ms to import.
        key = (await asyncio.to_thread(_imported, row.alg, jwk)).private_key
        assert key is not None
        return Signer(row.kid, row.alg, key, header)


def wrapping(master_key: bytes) -> Seal:
    return Seal(master_key, "muniment signing keys")


def unwrap(seal: Seal, stream: UUID, wrapped: bytes) -> Jwk:
    """The private JWK. Raises WrongMasterKey."""
    try:
        return json.decode(seal.open(wrapped, stream.bytes), type=dict[str, str | list[str]])
    except CannotOpen as fault:
        raise WrongMasterKey(
            "MUNIMENT_MASTER_KEY is not the key that this database's signing keys were wrapped with"
        ) from fault


class NewKey(Struct, frozen=True):
    kid: str
    public_jwk: PublicJwk
    wrapped: bytes


def generate(seal: Seal, stream: UUID, alg: str) -> NewKey:
    """A P-256 or RSA key: named by its thumbprint (RFC 7638), its private part wrapped. An RSA key takes a tenth of a second."""
    key = ECKey.generate_key("P-256") if alg == ES256 else RSAKey.generate_key(RSA_BITS)
    private = json.encode({name: value for name, value in key.as_dict(private=True).items() if name in PRIVATE})
    return NewKey(key.thumbprint(), convert(key.as_dict(private=False), PublicJwk), seal.close(private, stream.bytes))


async def keep(connection: AnyConnection, stream: UUID, wrapped: bytes) -> None:
    await connection.execute(KEEP, stream, wrapped)


async def rewrap(connection: Connection, old: Seal, new: Seal) -> int:
    """Wraps every private key anew, all of them or none; returns how many. Raises WrongMasterKey."""
    async with connection.transaction():
        kept = await connection.fetch(f"{EVERY} for update")
        for stream, wrapped in kept:
            await connection.execute(REWRAP, stream, new.close(json.encode(unwrap(old, stream, wrapped)), stream.bytes))
        return len(kept)


def _public(row: signing_keys.Row) -> ECKey | RSAKey:
    return _imported(row.alg, json.decode(json.encode(row.public_jwk), type=Jwk))


def _imported(alg: str, jwk: Jwk) -> ECKey | RSAKey:
    return ECKey.import_key(jwk) if alg == ES256 else RSAKey.import_key(jwk)

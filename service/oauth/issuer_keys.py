"""The public keys of trusted issuers: given by an operator, or fetched from where the issuer publishes them."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import lru_cache
from urllib.parse import urlsplit

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey
from msgspec import Struct, json, to_builtins

from events.trusted_issuer import Keys, KeysAt, KeysDiscovered, KeysGiven, PublicKey
from service.network.fetching import CannotFetch
from service.oauth import client_keys
from service.oauth.client_keys import Accepted
from service.oauth.foreign_tokens import NotAccepted
from service.oauth.keys import Key
from service.oauth.remote_keys import ACCEPT, Count, Fetches, RemoteKeys, uncounted
from service.values.malformed import MALFORMED

KINDS: dict[str, type[RSAKey | ECKey | OKPKey]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
SHORTEST_RSA = 342
"""How many characters the modulus of 2048 bits has, in base64url."""

OF_ISSUERS = Accepted(
    curves={"EC": ("P-256", "P-384", "P-521"), "OKP": ("Ed25519",)},
    algorithms={
        "EC": ("ES256", "ES384", "ES512"),
        "OKP": ("EdDSA",),
        "RSA": ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    },
    uses=("sig", "jwt-svid"),
    in_words="Send an EC key on P-256, P-384 or P-521, an OKP key on Ed25519, or an RSA key of 2048 to 4096 bits.",
)
"""The keys of trusted issuers, wherever they are. A SPIFFE bundle calls those of its tokens jwt-svid (SPIFFE Trust Domain and Bundle)."""

REST_SECONDS = 30.0
"""How long an issuer is left alone whose metadata could not be read."""

NO_METADATA = "the metadata of its issuer does not say where its keys are"


class _Metadata(Struct, frozen=True):
    """RFC 8414 section 2, OpenID Connect Discovery 1.0 section 3."""

    issuer: str
    jwks_uri: str


class _Found(Struct, frozen=True):
    """`jwks_uri` is None if the metadata could not be read. It is used until `until`, in seconds since 1970."""

    jwks_uri: str | None
    until: float


class IssuerKeys:
    """One per process. An operator trusts the issuer, so its addresses may be anywhere."""

    def __init__(self, fetcher: Fetches, clock: Callable[[], float] = time.time, count: Count = uncounted) -> None:
        self._fetcher, self._clock = fetcher, clock
        self._remote = RemoteKeys(fetcher, clock, OF_ISSUERS, count)
        self._found: dict[str, _Found] = {}
        self._fetching: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def candidates(self, issuer: str, keys: Keys, kid: str) -> Sequence[Key]:
        """Return the keys that may have signed: those with this `kid`, or all if it is "". Raises NotAccepted."""
        match keys:
            case KeysGiven():
                named = [each for each in keys.keys if not kid or each.kid in ("", kid)]
                return [key for key in map(imported, named) if key is not None]
            case KeysAt():
                return await self._at(keys.jwks_uri, kid)
            case KeysDiscovered():
                return await self._at(await self._discovered(issuer), kid)

    async def _at(self, url: str, kid: str) -> Sequence[Key]:
        try:
            found = await self._remote.find(url, kid or None, reach="trusted")
        except CannotFetch as fault:
            raise NotAccepted(f"the keys of its issuer cannot be fetched: {fault.why}") from fault
        return [client_keys.imported(each.jwk) for each in found if not kid or kid in (each.kid, each.thumbprint)]

    async def _discovered(self, issuer: str) -> str:
        """Callers for one issuer wait for one fetch; others do not wait for it."""
        async with self._fetching[issuer]:
            known = self._found.get(issuer)
            if known is None or self._clock() >= known.until:
                known = self._found[issuer] = await self._fetched(issuer)
        if known.jwks_uri is None:
            raise NotAccepted(NO_METADATA)
        return known.jwks_uri

    async def _fetched(self, issuer: str) -> _Found:
        for url in metadata_urls(issuer):
            try:
                fetched = await self._fetcher.get(url, reach="trusted", accept=ACCEPT)
                said = json.decode(fetched.body, type=_Metadata)
            except (CannotFetch, *MALFORMED):
                continue
            if said.issuer == issuer:
                return _Found(said.jwks_uri, fetched.fresh_until)
        return _Found(None, self._clock() + REST_SECONDS)


def metadata_urls(issuer: str) -> tuple[str, str]:
    """Return where the metadata may be (OpenID Connect Discovery 1.0 section 4, RFC 8414 section 3)."""
    parts = urlsplit(issuer)
    plain, path = issuer.removesuffix("/"), parts.path.removesuffix("/")
    at_root = f"{parts.scheme}://{parts.netloc}/.well-known/oauth-authorization-server{path}"
    return f"{plain}/.well-known/openid-configuration", at_root


@lru_cache(maxsize=256)
def imported(jwk: PublicKey) -> Key | None:
    """Return None for a key that cannot be used, such as an RSA key of fewer than 2048 bits (RFC 7518 section 3.3)."""
    kind = KINDS.get(jwk.kty)
    if kind is None or (kind is RSAKey and len(jwk.n) < SHORTEST_RSA):
        return None
    try:
        return kind.import_key(to_builtins(jwk))
    except (JoseError, *MALFORMED):
        return None

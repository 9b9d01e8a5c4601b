"""JWTs that clients sign (RFC 7515): their members, and which of a client's keys signed one.

Only a registered key counts. A key that the JWT itself names or contains is never used (RFC 8725 section 3.10).
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from joserfc.errors import JoseError
from joserfc.jws import (
    JWSAlgModel,  # pyright: ignore[reportPrivateImportUsage] - it documents the class there
    JWSRegistry,
)
from joserfc.util import urlsafe_b64decode

from events.client_key import PublicKey
from service.crypto.base64url import of_text
from service.oauth.client_keys import ALGORITHMS, algorithms, imported
from service.oauth.keys import Key
from service.values.malformed import MALFORMED
from service.values.strict_json import NotAnObject, strict_object

LONGEST = 32_768
"""How many characters a JWT has at most. Each kind of JWT has its own limit within this one."""

LONGEST_KNOWN, MOST_KNOWN = 512, 1000
"""Headers that are kept, by their text: most clients send the same one each time. One takes 10 KB at most, so these take 10 MB at most."""

_REGISTRY = JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
_REGISTRY.max_header_length = LONGEST


def members(segment: str, what: str) -> dict[str, Any]:
    """Return the JSON object of a segment, in which each name is once (RFC 7519 section 4). Raises NotAnObject, which begins with `what`."""
    octets = of_text(segment)
    if octets is None:
        raise NotAnObject(f"{what} is not base64url")
    try:
        return strict_object(octets)
    except NotAnObject as fault:
        raise NotAnObject(f"{what} {fault}") from fault


def header(segment: str, what: str) -> Mapping[str, Any]:
    """Return the members of a header, as `members` does: nobody changes them, for they may be those of other JWTs, too."""
    return _known_header(segment, what) if len(segment) <= LONGEST_KNOWN else members(segment, what)


@lru_cache(maxsize=MOST_KNOWN)
def _known_header(segment: str, what: str) -> Mapping[str, Any]:
    return members(segment, what)


def keys_for(alg: str, kid: str | None, keys: Sequence[PublicKey]) -> list[PublicKey]:
    """Return the keys that may have signed: those that the `kid` names, or all if there is none, which verify this algorithm."""
    return [key for key in keys if kid in (None, key.kid, key.thumbprint) and alg in algorithms(key)]


def signer_of(text: str, head: Mapping[str, Any], keys: Sequence[PublicKey]) -> PublicKey | None:
    """Return the first of these keys with which the signature verifies. `head` has the members of the header."""
    first = text.partition(".")[0]
    alg = _known_algorithm(first) if len(first) <= LONGEST_KNOWN else algorithm(head, _REGISTRY)
    return next((key for key in keys if verifies(text, alg, imported(key.jwk), _REGISTRY)), None)


def algorithm(head: Mapping[str, Any], registry: JWSRegistry) -> JWSAlgModel | None:
    """Return the algorithm of a header; None if no signature with this header is accepted."""
    try:
        registry.check_header(dict(head))
        return registry.get_alg(head["alg"])
    except (JoseError, *MALFORMED):
        return None


@lru_cache(maxsize=MOST_KNOWN)
def _known_algorithm(segment: str) -> JWSAlgModel | None:
    return algorithm(members(segment, "its header"), _REGISTRY)


def is_time(value: object) -> bool:
    """Whether the value of a claim is a NumericDate (RFC 7519 section 2) of our era."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 2**53


def verifies(text: str, alg: JWSAlgModel | None, key: Key, registry: JWSRegistry) -> bool:
    """Return whether the signature verifies with this key. The header, whose algorithm this is, is not read again."""
    if alg is None:
        return False
    try:
        signed, _, signature = text.encode().rpartition(b".")
        registry.validate_signature_size(signature)
        urlsafe_b64decode(signed.partition(b".")[2])  # a payload that is not strictly base64url is refused
        alg.check_key(key)
        return alg.verify(signed, urlsafe_b64decode(signature), key)
    except (JoseError, *MALFORMED):
        return False

"""The uses of a user's data key: it seals personal data in the log, and keys the names by which the user is found."""

import hmac
from collections.abc import Sequence

from service.crypto.base64url import as_text
from service.crypto.sealing import Seal, derived

KEY_BYTES = 32


def personal(key: bytes) -> Seal:
    return Seal(key, "muniment personal data")


def bound(key: bytes, names: Sequence[bytes]) -> tuple[str, ...]:
    """Return the names as the log keeps them. Without the data key they identify no user. The order reveals nothing."""
    own = derived(key, "muniment names of a person")
    return tuple(sorted(as_text(hmac.digest(own, name, "sha256")) for name in names))


def name_of(key: bytes, *parts: str) -> bytes:
    """Return the keyed hash by which a user is found. `parts` are `email` and address, or `upstream`, issuer and subject."""
    return hmac.digest(key, "\0".join(parts).encode("utf-8", "surrogatepass"), "sha256")

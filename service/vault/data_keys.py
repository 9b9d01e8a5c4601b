"""What a person's data key is good for: it seals what the log has of them, and keys the names that they are found by."""

import hmac
from collections.abc import Sequence

from service.crypto.base64url import as_text
from service.crypto.sealing import Seal, derived

KEY_BYTES = 32


def personal(key: bytes) -> Seal:
    return Seal(key, "muniment personal data")


def bound(key: bytes, names: Sequence[bytes]) -> tuple[str, ...]:
    """The names as the log keeps them: without the data key nobody can tell whose they are. In an order that says nothing."""
    own = derived(key, "muniment names of a person")
    return tuple(sorted(as_text(hmac.digest(own, name, "sha256")) for name in names))


def name_of(key: bytes, *parts: str) -> bytes:
    """What finds a person, under the key that all names are hashed with: `email` and the address, or `upstream`, issuer and subject."""
    return hmac.digest(key, "\0".join(parts).encode("utf-8", "surrogatepass"), "sha256")

"""The nonces of DPoP proofs (RFC 9449 sections 8 and 9): a value of this server that a proof must contain, so that it is not made ahead.

They are made from the time and a key, so no process keeps them, and each process accepts those of all others.
"""

import hmac

from service.crypto.base64url import as_text
from service.crypto.sealing import derived
from service.oauth.dpop import Proof
from service.oauth.errors import NonceNeeded

SECONDS = 300
"""How long one nonce is given out. It is accepted for as long again."""


class Nonces:
    """`required` says whether a proof without a nonce is refused. A nonce that is there must be one of ours in any case."""

    def __init__(self, master_key: bytes, *, required: bool) -> None:
        self._key = derived(master_key, "muniment DPoP nonces")
        self.required = required

    def current(self, now: float) -> str:
        return self._of(int(now // SECONDS))

    def check(self, proof: Proof, now: float) -> None:
        """Raises NonceNeeded, with the nonce to send."""
        if proof.nonce is None and not self.required:
            return
        window = int(now // SECONDS)
        if not any(hmac.compare_digest(self._of(each).encode(), _bytes(proof.nonce)) for each in (window, window - 1)):
            raise NonceNeeded(self.current(now))

    def _of(self, window: int) -> str:
        return as_text(hmac.digest(self._key, str(window).encode(), "sha256")[:18])


def _bytes(nonce: str | None) -> bytes:
    return (nonce or "").encode(errors="replace")

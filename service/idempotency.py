"""Idempotency-Key: a repeated POST is one command with one response, for 24 hours.

The first response is stored in the append's transaction. It is sealed under a key that is derived from the master key and the
caller's own Idempotency-Key: a retry can repeat a clientSecret, but a reader of the database cannot see it. The request itself is
stored as an HMAC under such a key, so that a password in it cannot be guessed from it.
"""

import hmac
from hashlib import sha256
from uuid import UUID

from msgspec import Struct, json, msgpack

from events.database import Pool, read
from events.log import Receipt
from events.receipts import find_command
from events.uuids import uuid_of_bytes
from service.crypto.sealing import CannotOpen, Seal
from service.problems import Clash, Invalid

MOST_CHARACTERS = 255


class StoredAnswer(Struct, frozen=True, kw_only=True):
    status: int
    location: str
    body: bytes


class IdempotentRequest(Struct, frozen=True, kw_only=True):
    """A POST with an Idempotency-Key: the id of its command, and the fingerprint of the request."""

    command_id: UUID
    fingerprint: bytes
    seal: Seal

    def receipt(self, answer: StoredAnswer) -> Receipt:
        """Return the receipt to append with the command's events."""
        sealed = self.seal.close(msgpack.encode(answer), self.command_id.bytes)
        return Receipt(command_id=self.command_id, fingerprint=self.fingerprint, response=sealed)


class Idempotency:
    def __init__(self, pool: Pool, master_key: bytes) -> None:
        self._pool = pool
        self._master_key = master_key
        self._begun = hmac.new(master_key, b"muniment idempotent requests\0", "sha256")
        """Copied for each key, so that the master key is hashed once."""

    def asked(self, key: str, *, caller: str, path: str, body: bytes, reason: str | None = None) -> IdempotentRequest:
        """Raises Invalid if the key is not 1 to 255 printable ASCII characters.

        With another reason it is another request: the first response would be returned, but the new reason recorded nowhere.
        """
        if not (1 <= len(key) <= MOST_CHARACTERS and key.isascii() and key.isprintable()):
            raise Invalid(f"Idempotency-Key must be 1 to {MOST_CHARACTERS} printable ASCII characters.")
        name = f"{caller}\x00{path}\x00{key}".encode()
        return IdempotentRequest(
            command_id=uuid_of_bytes(sha256(name).digest()[:16]),
            fingerprint=hmac.digest(self._key_of(key), path.encode() + b"\0" + _content(body, reason), "sha256"),
            seal=Seal(self._master_key, "muniment idempotent answers", salt=sha256(key.encode()).digest()),
        )

    async def first_answer(self, asked: IdempotentRequest) -> tuple[StoredAnswer, int] | None:
        """Return the first response and its position, or None if this is the first request.

        Raises Clash if the key was used for another request.
        """
        command = await read(self._pool, lambda connection: find_command(connection, asked.command_id))
        if command is None:
            return None
        try:
            answer = decoded(asked.seal.open(command.response, asked.command_id.bytes))
        except CannotOpen as fault:
            raise Clash(
                "This request was carried out before; its response was sealed under a former master key."
            ) from fault
        if not hmac.compare_digest(command.fingerprint, asked.fingerprint):
            raise Clash(
                "This Idempotency-Key was used for another request in the last 24 hours; use a new key for a new request."
            )
        return answer, command.position

    def _key_of(self, key: str) -> bytes:
        begun = self._begun.copy()
        begun.update(key.encode())
        return begun.digest()


def decoded(stored: bytes) -> StoredAnswer:
    """Decode a stored response. Those of before are JSON, which has a third more bytes."""
    decode = json.decode if stored.startswith(b"{") else msgpack.decode
    return decode(stored, type=StoredAnswer)


def _content(body: bytes, reason: str | None) -> bytes:
    """Return the body, or the reason with the body's hash. The former never begins with U+0000, because it is JSON or empty."""
    return body if reason is None else b"\0" + sha256(body).digest() + reason.encode()

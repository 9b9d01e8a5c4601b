"""C2SP signed notes: a text, and lines of signatures by named keys. Also the timestamped cosignatures of witnesses (cosignature/v1).

The library of cryptography is imported by what verifies; settings and commands have keys and verify nothing.
"""

import re
from base64 import b64decode, b64encode
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ED25519: Literal[1] = 1
COSIGNATURE: Literal[4] = 4

Kind = Literal[1, 4]
"""The type of a signature: by a log, or by a witness with its time."""

MOST_SIGNATURES = 64
MOST_BYTES = 64 * 1024
SIGNATURE_BYTES = 64
TIME_BYTES = 8

_is_name = re.compile(r"[^\s+\x00-\x1f\x7f]+").fullmatch
_has_control = re.compile(r"[\x00-\x09\x0b-\x1f]").search


class BadNote(Exception):
    """The bytes are not a signed note; the text says why."""


class BadKey(Exception):
    """The text is not a verifier key (vkey); the text of the error says why."""


class Signature(Struct, frozen=True):
    name: str
    key_id: bytes
    value: bytes

    @property
    def line(self) -> str:
        return f"\N{EM DASH} {self.name} {b64encode(self.key_id + self.value).decode()}\n"


class Note(Struct, frozen=True):
    """`text` ends with a newline."""

    text: str
    signatures: tuple[Signature, ...]

    def __str__(self) -> str:
        return self.text + "\n" + "".join(signature.line for signature in self.signatures)


class VerifierKey(Struct, frozen=True):
    """The public key (32 bytes) of a log or a witness, and its name."""

    name: str
    kind: Kind
    public: bytes

    @property
    def key_id(self) -> bytes:
        return sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{b64encode(bytes([self.kind]) + self.public).decode()}"

    def made(self, signature: Signature) -> bool:
        """Returns whether the signature says that it is by this key."""
        return (signature.name, signature.key_id) == (self.name, self.key_id)

    def verifies(self, signature: Signature, text: str) -> bool:
        """Returns whether the signature is by this key and for this text."""
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415

        if not self.made(signature):
            return False
        signed, value = text.encode(), signature.value
        if self.kind == COSIGNATURE:
            signed, value = _cosigned(text, time_of(signature)), value[TIME_BYTES:]
        try:
            _loaded(self.public).verify(value, signed)
        except InvalidSignature:
            return False
        return len(value) == SIGNATURE_BYTES


class SignerKey(Struct, frozen=True):
    """A private key of a log or a witness. It signs under this name only."""

    name: str
    kind: Kind
    private: "Ed25519PrivateKey"

    @property
    def verifier(self) -> VerifierKey:
        return VerifierKey(self.name, self.kind, self.private.public_key().public_bytes_raw())

    def sign(self, text: str) -> Signature:
        assert self.kind == ED25519
        return Signature(self.name, self.verifier.key_id, self.private.sign(text.encode()))

    def cosign(self, text: str, seconds: int) -> Signature:
        """Signs as a witness, who says that it saw the checkpoint at this time (in seconds since 1970)."""
        assert self.kind == COSIGNATURE
        value = seconds.to_bytes(TIME_BYTES, "big") + self.private.sign(_cosigned(text, seconds))
        return Signature(self.name, self.verifier.key_id, value)


@lru_cache(64)
def _loaded(public: bytes) -> "Ed25519PublicKey":
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415

    return Ed25519PublicKey.from_public_bytes(public)


def time_of(cosignature: Signature) -> int:
    return int.from_bytes(cosignature.value[:TIME_BYTES], "big")


def parsed(note: bytes) -> Note:
    """Raises BadNote."""
    if len(note) > MOST_BYTES:
        raise BadNote("it is longer than 64 KiB")
    try:
        whole = note.decode()
    except UnicodeDecodeError as fault:
        raise BadNote("it is not UTF-8") from fault
    if _has_control(whole):
        raise BadNote("it has a control character")
    text, separator, lines = whole.rpartition("\n\n")
    if not separator or not text:
        raise BadNote("no empty line separates a text from its signatures")
    return Note(text + "\n", signatures_of(lines))


def signatures_of(lines: str) -> tuple[Signature, ...]:
    """Returns the signatures of lines that end with a newline each. Raises BadNote."""
    if not lines.endswith("\n"):
        raise BadNote("it does not end with a line of a signature")
    found = lines.removesuffix("\n").split("\n")
    if len(found) > MOST_SIGNATURES:
        raise BadNote(f"it has more than {MOST_SIGNATURES} signatures")
    return tuple(map(_signature, found))


def verifier_key(text: str) -> VerifierKey:
    """Returns the key of a vkey: NAME+ID+KEY, as Go's sumdb/note and C2SP have it. Raises BadKey."""
    name, *rest = text.split("+", 2)
    if len(rest) != 2 or not _is_name(name):
        raise BadKey("a verifier key has the form NAME+HEX+BASE64")
    try:
        key = b64decode(rest[1], validate=True)
    except ValueError as fault:
        raise BadKey("the last part of a verifier key is base64") from fault
    kind = key[0] if key else 0
    if kind not in (ED25519, COSIGNATURE) or len(key) != 33:
        raise BadKey("a verifier key has an Ed25519 key of type 1 (log) or 4 (witness)")
    found = VerifierKey(name, ED25519 if kind == ED25519 else COSIGNATURE, key[1:])
    if rest[0] != found.key_id.hex():
        raise BadKey("the second part of a verifier key is not the id of its key: it was copied incompletely")
    return found


def is_name(text: str) -> bool:
    return _is_name(text) is not None


def _signature(line: str) -> Signature:
    dash, _, rest = line.partition(" ")
    name, _, value = rest.partition(" ")
    if dash != "\N{EM DASH}" or not _is_name(name):
        raise BadNote("a line of a signature has the form: em dash, name, base64")
    try:
        raw = b64decode(value, validate=True)
    except ValueError as fault:
        raise BadNote("a signature is not base64") from fault
    if b64encode(raw).decode() != value:
        raise BadNote("a signature is not in the one base64 form of its bytes")
    if len(raw) < 5:
        raise BadNote("a signature is shorter than the id of its key")
    return Signature(name, raw[:4], raw[4:])


def _cosigned(text: str, seconds: int) -> bytes:
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()

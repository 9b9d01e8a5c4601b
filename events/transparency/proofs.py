"""The texts of proofs. That of inclusion is C2SP tlog-proof; that of consistency is the body that C2SP tlog-witness takes."""

from base64 import b64encode
from collections.abc import Sequence

from msgspec import Struct

from events.transparency.checkpoints import decoded_hash, number

HEADER = "c2sp.org/tlog-proof@v1\n"
MOST_HASHES = 63


class BadProof(Exception):
    """The text is not a proof; the text of the error says why."""


class Inclusion(Struct, frozen=True):
    """That the leaf of this index is in the tree of the checkpoint, which is a signed note. `entry` goes with it, unless it is empty."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes
    entry: bytes = b""


class Consistency(Struct, frozen=True):
    """That the tree of the old size is the beginning of the tree of the checkpoint, which is a signed note."""

    old: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes


def inclusion(proof: Inclusion) -> bytes:
    extra = f"extra {b64encode(proof.entry).decode()}\n" if proof.entry else ""
    return f"{HEADER}{extra}index {proof.index}\n{_lines(proof.hashes)}\n".encode() + proof.checkpoint


def consistency(proof: Consistency) -> bytes:
    return f"old {proof.old}\n{_lines(proof.hashes)}\n".encode() + proof.checkpoint


def parsed_consistency(text: bytes) -> Consistency:
    """Raises BadProof."""
    head, separator, checkpoint = text.partition(b"\n\n")
    first, *lines = head.decode("ascii", "replace").split("\n")
    old = number(first.removeprefix("old ")) if first.startswith("old ") else None
    hashes = [decoded_hash(line) for line in lines]
    if not separator or old is None:
        raise BadProof("the first line is `old` and a size, and an empty line precedes the checkpoint")
    if len(hashes) > MOST_HASHES:
        raise BadProof(f"a proof has at most {MOST_HASHES} hashes")
    if None in hashes:
        raise BadProof("each line of a proof is 32 bytes in base64")
    return Consistency(old, tuple(each for each in hashes if each is not None), checkpoint)


def _lines(hashes: Sequence[bytes]) -> str:
    return "".join(f"{b64encode(each).decode()}\n" for each in hashes)

"""What a witness cosigns (C2SP tlog-witness), without I/O: the next checkpoint of a log that it knows, if it extends the last one."""

from collections.abc import Mapping

from msgspec import Struct

from events.transparency import notes, proofs, tree
from events.transparency.checkpoints import BadCheckpoint, TreeHead, tree_head
from events.transparency.notes import BadNote, VerifierKey
from events.transparency.proofs import BadProof

TEXT = "text/plain"
SIZE = "text/x.tlog.size"


class Refused(Exception):
    """The request gets no cosignature. The message is the body of the response."""

    def __init__(self, status: int, body: str, media: str = TEXT) -> None:
        super().__init__(body)
        self.status = status
        self.media = media


class Head(Struct, frozen=True):
    """The last checkpoint of a log that was cosigned."""

    size: int
    root: bytes


NOTHING = Head(0, tree.EMPTY_ROOT)
"""What a witness knows of a log before it has cosigned a checkpoint of it."""


class Submission(Struct, frozen=True):
    """A checkpoint that a known log signed, with the old size and the proof that came with it."""

    head: TreeHead
    text: str
    old: int
    proof: tuple[bytes, ...]


def submission(request: bytes, logs: Mapping[str, VerifierKey]) -> Submission:
    """Read a request. `logs` has the key of each log by its origin. Raises Refused."""
    try:
        given = proofs.parsed_consistency(request)
        note = notes.parsed(given.checkpoint)
        head = tree_head(note)
    except (BadProof, BadNote, BadCheckpoint) as fault:
        raise Refused(400, f"The request is not a proof and a checkpoint: {fault}.\n") from fault
    key = logs.get(head.origin)
    if key is None:
        raise Refused(404, "This witness does not know a log of this origin.\n")
    if not any(key.verifies(signature, note.text) for signature in note.signatures):
        raise Refused(403, "No signature of the checkpoint is by the key of its log.\n")
    if given.old > head.size:
        raise Refused(400, "The old size is larger than the size of the checkpoint.\n")
    return Submission(head, note.text, given.old, given.hashes)


def decide(submitted: Submission, last: Head) -> Head:
    """Return the head that follows the last one. Raises Refused."""
    head = submitted.head
    if submitted.old != last.size:
        raise Refused(409, f"{last.size}\n", SIZE)
    if head.size == last.size and head.root != last.root:
        raise Refused(409, "This witness saw another root for this size.\n")
    if not tree.extends(last.size, last.root, head.size, head.root, submitted.proof):
        raise Refused(422, "The proof does not show that this tree extends the last one.\n")
    return Head(head.size, head.root)

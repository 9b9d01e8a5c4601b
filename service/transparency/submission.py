"""What a witness answers to a checkpoint (C2SP tlog-witness), without I/O: a cosignature, the size that it knows, or a fault."""

from msgspec import Struct

from events.transparency import notes
from events.transparency.checkpoints import number
from events.transparency.notes import BadNote, Signature, VerifierKey

SIZE = "text/x.tlog.size"
MOST_BYTES = 64 * 1024
MOST_AHEAD_SECONDS = 300

MEANINGS = {
    400: "it finds the request malformed",
    403: "it does not know our key",
    404: "it does not know our log",
    422: "it finds that our log is not the one that it saw before",
    429: "it asks for fewer requests",
}


class WitnessFault(Exception):
    """The witness gave no cosignature that counts; the text says why."""


class Answer(Struct, frozen=True, kw_only=True):
    """The response of a witness: `media` is the type of its body without parameters."""

    status: int
    media: str
    body: bytes


class Behind(Struct, frozen=True):
    """The last checkpoint of ours that the witness cosigned has this size."""

    size: int


def outcome(answer: Answer, *, key: VerifierKey, text: str, size: int, now: float) -> Signature | Behind:
    """Return the verified cosignature of the checkpoint with this text and size, or what the witness knows. Raises WitnessFault."""
    if answer.status == 200:
        return _cosignature(answer.body, key, text, now)
    if answer.status == 409 and answer.media == SIZE:
        return _behind(answer.body, size)
    if answer.status == 409:
        raise WitnessFault(
            "it saw another root for this size: our log was rewritten, or somebody else signs with our key"
        )
    meaning = MEANINGS.get(answer.status)
    raise WitnessFault(f"it answered {answer.status}" + (f": {meaning}" if meaning else ""))


def _cosignature(body: bytes, key: VerifierKey, text: str, now: float) -> Signature:
    try:
        signatures = notes.signatures_of(body.decode())
    except (UnicodeDecodeError, BadNote) as fault:
        raise WitnessFault("its response is not made of lines of signatures") from fault
    ours = [signature for signature in signatures if key.made(signature)]
    if not ours:
        raise WitnessFault("its response has no signature by the key that MUNIMENT_WITNESSES names")
    if not key.verifies(ours[0], text):
        raise WitnessFault("its cosignature does not verify")
    if notes.time_of(ours[0]) > now + MOST_AHEAD_SECONDS:
        raise WitnessFault("its cosignature has a time in the future")
    return ours[0]


def _behind(body: bytes, size: int) -> Behind:
    known = number(body.decode("ascii", "replace").removesuffix("\n"))
    if known is None:
        raise WitnessFault("its response names no size")
    if known > size:
        raise WitnessFault(
            f"it saw our log at size {known}, and it has {size} entries: its end was lost, or somebody else signs with our key"
        )
    return Behind(known)

"""muniment-verify: a stand-alone verifier of what a Muniment log signed. It needs no Muniment, no database and no operator.

This is one file, longer than others, so that a stranger can copy it to a machine of their own and read all of it: it imports
the standard library and `cryptography` alone, and never Muniment. It computes every hash again from the formats' definitions:
C2SP signed-note, tlog-checkpoint, tlog-tiles, tlog-proof, tlog-cosignature and tlog-witness (c2sp.org), RFC 9162, and, for what
is Muniment's own, the text of FORMATS below, which --formats prints.
"""

import argparse
import json
import re
import struct
import sys
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache
from hashlib import sha256
from io import BufferedReader
from itertools import zip_longest
from pathlib import Path
from typing import Any, Literal, NoReturn, cast
from uuid import UUID, uuid5

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

ABOUT = """\
Verifies what a Muniment log signed, without Muniment, without its database, and without trust in its operator.

Each FILE is recognized by its content:

  checkpoint    a C2SP checkpoint (/log/checkpoint), with the cosignatures of witnesses, if there are any
  export        what `muniment log export` wrote (JSON lines), of any size; - reads it from stdin
  proof         an inclusion proof (tlog-proof@v1, `muniment log prove`) of an entry that an export, a bundle, --entry or the
                proof itself has
  consistency   a consistency proof (`muniment log consistency`): "old SIZE", hashes, an empty line, and the newer checkpoint
                (as C2SP tlog-witness has it); the older checkpoint is another FILE
  provenance    a bundle of format muniment-provenance-1, as `muniment tokens why --proof` writes it. The whole answer is derived
                again from the entries that the bundle proves, and each field that differs is named
  directory     tiles and entry bundles by their C2SP paths (tile/0/000, tile/entries/000.p/17), beside a file `checkpoint`;
                single tiles and bundles are taken, too, if their paths end so

An export is compared with each checkpoint at its position: the chain value that was signed, and, if the export begins at
position 0, the root of the Merkle tree. A checkpoint FILE beyond the export's ends is a fault: what connects them is missing.
"""

EPILOG = """\
Exit status: 0 all that was given is what was signed; 1 something is NOT what was signed, was damaged, or is not of its form (its
position is named); 2 this cannot be verified with what was given: a file cannot be opened, or a key, a checkpoint or an entry is missing.

Examples:
  muniment-verify --key log.vkey march.jsonl february.checkpoint march.checkpoint
  muniment-verify --key 'https://auth.example.com+8a3b...+AQ...' --witness witness.vkey --quorum 1 17.tlog-proof --entry 17.entry
  python3 muniment_verify.py --key log.vkey --json mirror/
"""

FORMATS = """\
All integers are big-endian; times are microseconds since 1970 (UTC).

The entry of an event, which is hashed into the tree of the event log at index position - 1:
  "muniment-event-1\\n" || int8 position || int8 recorded_at || stream (16 bytes) || int4 version || int2 schema version
  || int2 length of type || type || field(meta, 12288) || field(data, 49152)
The entry of a token, in the tree of the issuance log:
  "muniment-token-1\\n" || int8 position || int8 issued_at || client (16) || secret (16) || jti (16) || field(data, 49152)
field(x, most) = int4 length || x; or, if x is longer than `most`, int4 -1 || sha256(x)
Hash of a leaf = sha256(0x00 || entry), hash of a node = sha256(0x01 || left || right), as RFC 9162 has it.

The chain, which covers whole batches, also of an export that does not begin at position 0:
  leaf  = sha256(0x00 || stream || int4 version || int2 schema version || int2 length of type || type || int4 length of meta || meta || data)
          (of a token: sha256(0x00 || client || secret || jti || data))
  root  = sha256(leaf 1 || ... || leaf n), the leaves of one batch in order
  chain = sha256(previous chain || int8 first position || int8 last position || int8 recorded_at || root)

A provenance bundle (muniment-provenance-1) is a JSON object:
  checkpoints  the notes of two checkpoints: of the event log, and of the issuance log
  entries      tree ("events" or "issuance"), position, entry (base64), proof (the hashes of its inclusion in the checkpoint) and,
               if the entry has only the hash of its data, data (base64):
               the entry of the token, and all of each stream that the answer follows from: of the client, the bot, the signing
               key, the jti, the authorization, the session, the consent and the trusted issuer; and the registration of the user.
               The same of each token that it was exchanged from, and the event of each exchange
  answer       why there is the token. Each of its fields follows from the entries
  before       the same about each token that it was exchanged from (RFC 8693), latest first. A token that was never exchanged has none
The stream of a token's exchanges is the UUID of version 8, as that of a consent is, of sha256("exchange" || 0x00 || jti (16)).
The stream of a consent is the UUID of version 8 that the first 16 bytes of this hash make, when version and variant are set in them:
  sha256("consent" || 0x00 || user (16) || 0x00 || client_id || 0x00 || resource, which is empty if the grant has none; a grant with several,
  which spaces separate, has a consent for each)

A checkpoint has the origin (the issuer; for the issuance log ISSUER/issuance), the size, the root, and a line `chain HEX`, the
chain value at that position. Its key is named as its origin.
"""

EVENTS_FORMAT, TOKENS_FORMAT = "muniment-log-1", "muniment-issuance-1"
PROVENANCE_FORMAT = "muniment-provenance-1"
PROOF_HEADER = b"c2sp.org/tlog-proof@v1\n"
ISSUANCE = "/issuance"
EVENT_ENTRY, TOKEN_ENTRY = b"muniment-event-1\n", b"muniment-token-1\n"
MOST_META, MOST_DATA = 12288, 49152
ED25519, COSIGNATURE = 1, 4
MOST_NOTE, MOST_SIGNATURES, MOST_PATH = 1 << 20, 100, 64
MOST_SMALL_FILE, MOST_LINE = 1 << 26, 1 << 28
WIDTH, HASH = 256, 32
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
MISSING: Any = object()

Log = Literal["events", "issuance"]

_is_size = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII).fullmatch
_is_hash = re.compile(r"[0-9a-f]{64}", re.ASCII).fullmatch
_is_uuid = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII).fullmatch
_capital_escape = re.compile(rb"(?<!\\)(?:\\\\)*\\u[0-9a-f]{0,3}[A-F]").search
_is_tile = re.compile(
    r"(?P<home>.*?)tile/(?P<level>entries|[0-9]|[1-5][0-9]|6[0-3])/(?P<number>(?:x[0-9]{3}/)*[0-9]{3})(?:\.p/(?P<width>[1-9][0-9]{0,2}))?",
    re.ASCII | re.DOTALL,
).fullmatch
_control = re.compile(r"[\x00-\x09\x0b-\x1f]").search


class Wrong(Exception):
    """Something is not what was signed, or not of its form. `position` is the first position that is concerned, where one is."""

    def __init__(self, where: str, position: int | None, what: str) -> None:
        super().__init__(f"{where}{'' if position is None else f', position {position}'}: {what}")
        self.where, self.position, self.what = where, position, what


class Unreadable(Exception):
    """Something cannot be opened, or what it is to be compared with is missing."""

    def __init__(self, where: str, what: str) -> None:
        super().__init__(f"{where}: {what}")
        self.where, self.what = where, what


# Bytes, as each format writes them. A value has one spelling only: otherwise a changed byte of a file could go unseen.


def from_base64(text: str) -> bytes | None:
    try:
        value = b64decode(text, validate=True)
    except ValueError:
        return None
    return value if b64encode(value).decode() == text else None


def from_base64_hash(text: str) -> bytes | None:
    value = from_base64(text)
    return value if value is not None and len(value) == HASH else None


def from_size(text: str) -> int | None:
    value = int(text) if _is_size(text) else None
    return value if value is not None and value < 2**63 else None


@lru_cache(4)  # the events of a batch have one time
def from_moment(text: str) -> int | None:
    """Returns the microseconds of a time as an export writes it (RFC 3339, UTC)."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None or f"{moment.replace(tzinfo=None).isoformat()}Z" != text:
        return None
    return (moment - EPOCH) // MICROSECOND


def from_uuid(text: str) -> bytes | None:
    return bytes.fromhex(text.replace("-", "")) if _is_uuid(text) else None


def moment_of(microseconds: int) -> str:
    try:
        return f"{(EPOCH + microseconds * MICROSECOND).replace(tzinfo=None).isoformat()}Z"
    except OverflowError:
        return f"{microseconds} microseconds after 1970"


def printable(text: str) -> str:
    """Returns the text without characters that a terminal obeys."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


# Notes and checkpoints.


@dataclass(frozen=True)
class Key:
    """A verifier key (vkey) of a log or, with kind COSIGNATURE, of a witness."""

    name: str
    kind: int
    public: bytes

    @property
    def key_id(self) -> bytes:
        return sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:4]

    def verifies(self, signature: bytes, text: bytes) -> bool:
        if self.kind == COSIGNATURE:
            if len(signature) != 72:
                return False
            seconds, signature = int.from_bytes(signature[:8], "big"), signature[8:]
            text = b"cosignature/v1\ntime %d\n" % seconds + text
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text)
        except InvalidSignature:
            return False
        return True


def keys_in(value: str, *, of_witness: bool) -> list[Key]:
    """Returns the keys of an option's value: a verifier key, or a file that has one in each line. Raises Wrong, Unreadable."""
    texts, where = [value], "the key"
    if value.count("+") < 2 or Path(value).is_file():
        where = value
        texts = [line for line in _small(Path(value)).decode(errors="replace").splitlines() if line.strip()]
        if not texts:
            raise Unreadable(where, "this file has no verifier key")
    return [_key(text.strip(), where, of_witness=of_witness) for text in texts]


def _key(text: str, where: str, *, of_witness: bool) -> Key:
    name, _, rest = text.partition("+")
    key_id, _, encoded = rest.partition("+")
    value = from_base64(encoded)
    if not name or value is None or len(value) != 1 + HASH or value[0] not in {ED25519, COSIGNATURE}:
        raise Unreadable(
            where, "a verifier key has the form NAME+KEYID+BASE64, of an Ed25519 key: c2sp.org/signed-note"
        )
    if Key(name, value[0], value[1:]).key_id.hex() != key_id:
        raise Unreadable(where, f"the key id of the verifier key {name} is not the hash of its name and key")
    if value[0] == COSIGNATURE and not of_witness:
        raise Unreadable(where, f"{name} is the key of a witness: give it by --witness")
    return Key(name, COSIGNATURE if of_witness else ED25519, value[1:])


@dataclass(frozen=True)
class Checkpoint:
    """What a log signed: the size and root of its tree, and the chain value there. `witnesses`: name and time in seconds."""

    where: str
    origin: str
    size: int
    root: bytes
    chain: bytes | None
    witnesses: tuple[tuple[str, int], ...]

    @property
    def log(self) -> Log:
        return "issuance" if self.origin.endswith(ISSUANCE) else "events"

    def __str__(self) -> str:
        return f"the checkpoint of size {self.size}" + (f" ({self.where})" if self.where else "")


@dataclass(frozen=True)
class Keys:
    logs: tuple[Key, ...]
    witnesses: tuple[Key, ...]
    quorum: int

    def opened(self, where: str, note: bytes) -> Checkpoint:
        """Returns the checkpoint of a note that one of the logs signed. Raises Wrong, Unreadable."""
        text, signatures = _parsed_note(where, note)
        head = _head(where, text)
        by_log = [key for key in self.logs if key.name == head.origin]
        if not by_log:
            raise Unreadable(where, f"this checkpoint is of the log {head.origin!r}, of which no --key was given")
        found = [
            (key, value) for key in (*by_log, *self.witnesses) for value in signatures.get((key.name, key.key_id), ())
        ]
        for key, value in found:
            if not key.verifies(value, text):
                raise Wrong(where, head.size, f"the signature by {key.name} is not by that key over this checkpoint")
        if not any(key.kind == ED25519 for key, _ in found):
            raise Wrong(
                where, head.size, f"the log {head.origin} did not sign this checkpoint with the key that was given"
            )
        seen = {key.name: int.from_bytes(value[:8], "big") for key, value in found if key.kind == COSIGNATURE}
        return Checkpoint(where, head.origin, head.size, head.root, head.chain, tuple(sorted(seen.items())))

    def has_quorum(self, checkpoint: Checkpoint) -> bool:
        return len(checkpoint.witnesses) >= self.quorum


Signatures = Mapping[tuple[str, bytes], Sequence[bytes]]


def _parsed_note(where: str, note: bytes) -> tuple[bytes, Signatures]:
    """Returns the text and its signatures by name and key id, none of them verified. Raises Wrong."""
    if len(note) > MOST_NOTE:
        raise Wrong(where, None, "this is longer than a signed note may be")
    try:
        whole = note.decode()
    except UnicodeDecodeError as fault:
        raise Wrong(where, None, "this is not a signed note: it is not UTF-8") from fault
    text, between, lines = whole.rpartition("\n\n")
    if not between or not text or not lines.endswith("\n") or _control(whole):
        raise Wrong(where, None, "this is not a signed note: a text, an empty line, and lines of signatures")
    found: dict[tuple[str, bytes], list[bytes]] = {}
    for line in lines.removesuffix("\n").split("\n")[: MOST_SIGNATURES + 1]:
        dash, name, encoded = (*line.split(" "), "", "", "")[:3]
        value = from_base64(encoded)
        if dash != "\N{EM DASH}" or not name or value is None or len(value) < 5 or line.count(" ") != 2:
            raise Wrong(where, None, f"this line of the signed note is not a signature: {line!r}")
        found.setdefault((name, value[:4]), []).append(value[4:])
    if sum(map(len, found.values())) > MOST_SIGNATURES:
        raise Wrong(where, None, f"this note has more than {MOST_SIGNATURES} signatures")
    return f"{text}\n".encode(), found


def _head(where: str, text: bytes) -> Checkpoint:
    lines = text.decode().removesuffix("\n").split("\n")
    if len(lines) < 3 or not all(lines):
        raise Wrong(
            where, None, "a checkpoint has a line each for the origin, the size and the root, and none is empty"
        )
    size, root = from_size(lines[1]), from_base64_hash(lines[2])
    if size is None or root is None:
        raise Wrong(where, None, "the second line of a checkpoint is its size, and the third its root in base64")
    chains = [line.removeprefix("chain ") for line in lines[3:] if line.startswith("chain ")]
    if len(chains) > 1 or not all(map(_is_hash, chains)):
        raise Wrong(where, None, "a checkpoint has one chain line, and its value is 64 hex digits")
    return Checkpoint(where, lines[0], size, root, bytes.fromhex(chains[0]) if chains else None, ())


# The Merkle tree (RFC 9162 section 2.1).


def leaf_hash(entry: bytes) -> bytes:
    return sha256(b"\0" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\1" + left + right).digest()


def folded(subtrees: Sequence[bytes]) -> bytes:
    """Returns the root above complete subtrees that shrink from left to right."""
    if not subtrees:
        return sha256().digest()
    computed = subtrees[-1]
    for left in subtrees[-2::-1]:
        computed = node_hash(left, computed)
    return computed


class Tree:
    """A tree that grows by leaves, and remembers only the hashes of its complete subtrees: one for each bit of its size."""

    def __init__(self) -> None:
        self.size = 0
        self._subtrees: list[bytes] = []

    def add(self, leaf: bytes) -> None:
        height = self.size
        while height & 1:
            leaf = node_hash(self._subtrees.pop(), leaf)
            height >>= 1
        self._subtrees.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        return folded(self._subtrees)

    @property
    def subtrees(self) -> list[bytes]:
        return self._subtrees


def tree_of(leaves: Iterable[bytes]) -> Tree:
    tree = Tree()
    for leaf in leaves:
        tree.add(leaf)
    return tree


def includes(root: bytes, size: int, index: int, leaf: bytes, path: Sequence[bytes]) -> bool:
    """Section 2.1.3.2."""
    if index >= size:
        return False
    at, last, computed = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return False
        if at & 1 or at == last:
            computed = node_hash(sibling, computed)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            computed = node_hash(computed, sibling)
        at, last = at >> 1, last >> 1
    return last == 0 and computed == root


def extends(old: int, old_root: bytes, new: int, new_root: bytes, path: Sequence[bytes]) -> bool:
    """Section 2.1.4.2; a tree extends itself, and every tree extends the empty one, without a path."""
    if old in (0, new):
        return not path and (old == 0 or old_root == new_root)
    if old > new or not path:
        return False
    hashes = [old_root, *path] if old & (old - 1) == 0 else list(path)
    at, last = old - 1, new - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    before = after = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            before, after = node_hash(sibling, before), node_hash(sibling, after)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            after = node_hash(after, sibling)
        at, last = at >> 1, last >> 1
    return last == 0 and before == old_root and after == new_root


# Entries.


@dataclass(frozen=True)
class Event:
    """What the entry of an event says. `meta` or `data` is None if the entry has only its hash."""

    position: int
    moment: int
    stream: UUID
    version: int
    schema: int
    kind: str
    meta: bytes | None
    data: bytes | None


@dataclass(frozen=True)
class Token:
    """What the entry of a token says. `data` is None if the entry has only its hash."""

    position: int
    moment: int
    client: UUID
    secret: UUID
    jti: UUID
    data: bytes | None


@dataclass(frozen=True)
class Entry:
    """An entry of a tree, and a sentence that says what it is."""

    leaf: bytes
    says: str
    content: Event | Token

    @property
    def position(self) -> int:
        return self.content.position

    @property
    def log(self) -> Log:
        return "events" if isinstance(self.content, Event) else "issuance"


def as_field(value: bytes, most: int) -> bytes:
    if len(value) <= most:
        return len(value).to_bytes(4, "big") + value
    return b"\xff\xff\xff\xff" + sha256(value).digest()


def read_entry(where: str, entry: bytes) -> Entry:
    """Raises Wrong."""
    if entry.startswith(EVENT_ENTRY):
        found = _event_entry(entry)
    else:
        found = _token_entry(entry) if entry.startswith(TOKEN_ENTRY) else None
    if found is None:
        raise Wrong(where, None, "this is not an entry of a Muniment log: see --formats")
    return found


def _event_entry(entry: bytes) -> Entry | None:
    rest = entry.removeprefix(EVENT_ENTRY)
    if len(rest) < 40:
        return None
    position, moment, stream, version, schema, length = struct.unpack(">qq16sihH", rest[:40])
    fields = _fields(rest[40 + length :], MOST_META, MOST_DATA)
    if len(rest) < 40 + length or fields is None:
        return None
    kind = rest[40 : 40 + length].decode(errors="replace")
    event = Event(position, moment, UUID(bytes=stream), version, schema, kind, *fields)
    says = f"{kind}, version {version} of {event.stream}, recorded at {moment_of(moment)}"
    return Entry(leaf_hash(entry), says, event)


def _token_entry(entry: bytes) -> Entry | None:
    rest = entry.removeprefix(TOKEN_ENTRY)
    fields = _fields(rest[64:], MOST_DATA)
    if len(rest) < 64 or fields is None:
        return None
    position, moment, *ids = struct.unpack(">qq16s16s16s", rest[:64])
    client, secret, jti = (UUID(bytes=each) for each in ids)
    token = Token(position, moment, client, secret, jti, fields[0])
    says = f"the token {token.jti} of the client {token.client}, issued at {moment_of(moment)}"
    return Entry(leaf_hash(entry), says, token)


def _fields(rest: bytes, *mosts: int) -> list[bytes | None] | None:
    """Returns the fields that end an entry, None for one of which it has only the hash; or None if they are not of this form."""
    found: list[bytes | None] = []
    for most in mosts:
        length = int.from_bytes(rest[:4], "big", signed=True)
        size = HASH if length == -1 else length
        if not 0 <= size <= max(most, HASH) or len(rest) < 4 + size or length > most:
            return None
        found.append(None if length == -1 else rest[4 : 4 + size])
        rest = rest[4 + size :]
    return None if rest else found


def read_bundle(where: str, bundle: bytes) -> list[bytes]:
    """Returns the entries of an entry bundle. Raises Wrong."""
    entries: list[bytes] = []
    at = 0
    while at < len(bundle):
        length = int.from_bytes(bundle[at : at + 2], "big")
        entry = bundle[at + 2 : at + 2 + length]
        if at + 2 + length > len(bundle):
            raise Wrong(where, None, f"this entry bundle ends in the middle of its entry {len(entries)}")
        entries.append(entry)
        at += 2 + length
    return entries


# What is known so far, and what was found.


@dataclass
class Report:
    proved: list[str] = field(default_factory=list[str])
    unproved: list[str] = field(default_factory=list[str])
    wrong: list[Wrong] = field(default_factory=list[Wrong])
    unreadable: list[Unreadable] = field(default_factory=list[Unreadable])

    @property
    def status(self) -> int:
        return 1 if self.wrong else 2 if self.unreadable or not self.proved else 0


@dataclass(frozen=True)
class Range:
    """Whole batches of a log, from one position (exclusive) to another. `proved` is the last position that a checkpoint covers."""

    where: str
    origin: str | None
    log: Log
    start: tuple[int, bytes]
    end: tuple[int, bytes]
    proved: int | None
    whole_tree: bool


@dataclass
class Case:
    """All that was given, and what of it is proved."""

    keys: Keys
    report: Report = field(default_factory=Report)
    checkpoints: dict[str, dict[int, Checkpoint]] = field(default_factory=dict[str, dict[int, Checkpoint]])
    connected: dict[str, set[int]] = field(default_factory=dict[str, set[int]])
    """The sizes of the checkpoints that an export or a tree was compared with."""
    ranges: list[Range] = field(default_factory=list[Range])
    entries: dict[tuple[Log, int], Entry] = field(default_factory=dict[tuple[Log, int], Entry])
    """The entries that were given, and those of `wanted` that an export or a bundle had."""
    wanted: set[tuple[Log, int]] = field(default_factory=set[tuple[Log, int]])

    def admit(self, checkpoint: Checkpoint) -> None:
        """Raises Wrong if the log signed another history, too."""
        known = self.checkpoints.setdefault(checkpoint.origin, {})
        self.same(known.setdefault(checkpoint.size, checkpoint), checkpoint)

    @staticmethod
    def same(other: Checkpoint, checkpoint: Checkpoint) -> None:
        chains = {checkpoint.chain, other.chain} - {None}
        if other.root != checkpoint.root or len(chains) > 1:
            what = f"the log signed two different histories of this size: here, and in {other.where}. Keep both files: they prove it"
            raise Wrong(checkpoint.where, checkpoint.size, what)

    def opened(self, where: str, note: bytes) -> Checkpoint:
        """Returns a checkpoint that counts: signed by its log, cosigned by the quorum. Raises Wrong, Unreadable."""
        checkpoint = self.keys.opened(where, note)
        self.admit(checkpoint)
        if not self.keys.has_quorum(checkpoint):
            count = len(checkpoint.witnesses)
            raise Wrong(
                where,
                checkpoint.size,
                f"{count} of the witnesses cosigned it, and --quorum asks for {self.keys.quorum}",
            )
        return checkpoint

    def offer(self, entry: Entry) -> None:
        if (entry.log, entry.position) in self.wanted:
            self.entries.setdefault((entry.log, entry.position), entry)

    def origin_of(self, where: str, log: Log) -> str | None:
        """Returns the log that something without a name belongs to: the only one of this kind that has a checkpoint."""
        found = {
            checkpoint.origin
            for each in self.checkpoints.values()
            for checkpoint in each.values()
            if checkpoint.log == log
        }
        if len(found) > 1:
            raise Unreadable(
                where, f"this does not say which log it is of, and there are checkpoints of {', '.join(sorted(found))}"
            )
        return next(iter(found), None)


# Exports.


@dataclass
class Export:
    """Reads an export line by line. Its memory does not grow with the file."""

    where: str
    case: Case
    log: Log = "events"
    origin: str | None = None
    number: int = 0
    start: tuple[int, bytes] = (0, b"")
    position: int = 0
    chain: bytes = b""
    batch_position: int = 0
    moment: str | None = None
    of_other_time: int | None = None
    proved: int | None = None
    last: Checkpoint | None = None
    tree: Tree | None = None
    leaves: Any = None

    def read(self, file: BufferedReader) -> Range:
        """Raises Wrong, Unreadable."""
        lines = self._lines(file)
        first = next(lines, None)
        if first is None or first.get("line") != "start":
            raise Wrong(self.where, None, "the first line of an export is its start line")
        self._begin(first)
        for line in lines:
            match line.get("line"):
                case "event" | "token":
                    self._entry(line)
                case "batch":
                    self._batch(line)
                case "checkpoint":
                    self._checkpoint(line)
                case "end":
                    self._end(line, lines)
                    return Range(
                        self.where,
                        self.origin,
                        self.log,
                        self.start,
                        (self.position, self.chain),
                        self.proved,
                        bool(self.tree),
                    )
                case _:
                    self._malformed("there is no such line in an export")
        raise Wrong(self.where, self.position + 1, "the export has no end line: what followed was cut off")

    def _lines(self, file: BufferedReader) -> Iterator[dict[str, Any]]:
        while text := file.readline(MOST_LINE):
            self.number += 1
            if not text.endswith(b"\n"):
                self._malformed("it does not end with a newline")
            try:
                yield _object(text)
            except (ValueError, RecursionError) as fault:
                what = f"line {self.number} is not a JSON object as an export has it: {fault}"
                raise self._wrong(self.position + 1, what) from fault

    def _begin(self, line: dict[str, Any]) -> None:
        extra = {"origin"} & line.keys()
        self._has(line, {"format", "position", "chain"} | extra)
        if line["format"] not in (EVENTS_FORMAT, TOKENS_FORMAT):
            if line["format"] != "muniment-events-1":
                self._malformed(f"the format {line['format']!r} is not known")
            what = "events were left out of an export of this format (by --type or --actor): nothing can be proved from what is left"
            raise Unreadable(self.where, what)
        self.log = "events" if line["format"] == EVENTS_FORMAT else "issuance"
        self.origin = self._text(line, "origin") if extra else self.case.origin_of(self.where, self.log)
        self.start = (self._number(line, "position"), self._hash(line, "chain"))
        self.position, self.chain = self.start
        self.batch_position, self.leaves = self.position, sha256()
        self.tree = Tree() if self.position == 0 else None
        self._meet()

    def _entry(self, line: dict[str, Any]) -> None:
        position, moment = (
            self._number(line, "position"),
            self._text(line, "recorded_at" if self.log == "events" else "issued_at"),
        )
        if position != self.position + 1:
            if position <= self.position:
                what = f"the next line has position {position}: it stands here twice, or out of order"
                raise self._wrong(self.position + 1, what)
            raise self._missing(position - 1, f"position {position}")
        entry, leaf = self._event(line) if self.log == "events" else self._token(line)
        if self._text(line, "leaf") != leaf.hex():
            raise self._wrong(
                position, "these are not the bytes that were recorded: their hash is not the leaf of this line"
            )
        self.moment = self.moment or moment
        if moment != self.moment and self.of_other_time is None:
            self.of_other_time = (
                position  # The next batch line says whether this is a fault of the time, or of the batches.
            )
        self.leaves.update(leaf)
        self.position = position
        if self.tree is not None:
            self.tree.add(leaf_hash(entry))
        if (self.log, position) in self.case.wanted:
            self.case.offer(read_entry(self.where, entry))

    def _event(self, line: dict[str, Any]) -> tuple[bytes, bytes]:
        """Returns the entry of the tree and the leaf of the chain."""
        names = {"position", "recorded_at", "stream_id", "version", "schema_ver", "type", "leaf"}
        meta, data = self._stored(line, "meta", names), self._stored(line, "data", names)
        self._has(line, names)
        kind = self._text(line, "type").encode()
        try:
            head = (
                self._uuid(line, "stream_id")
                + struct.pack(">ihH", self._number(line, "version"), self._number(line, "schema_ver"), len(kind))
                + kind
            )
        except struct.error:
            self._malformed("a version, or the length of the type, is larger than a log can have")
        entry = (
            EVENT_ENTRY
            + self._place(line, "recorded_at")
            + head
            + as_field(meta, MOST_META)
            + as_field(data, MOST_DATA)
        )
        return entry, sha256(b"\0" + head + len(meta).to_bytes(4, "big") + meta + data).digest()

    def _token(self, line: dict[str, Any]) -> tuple[bytes, bytes]:
        names = {"position", "issued_at", "client", "secret", "jti", "leaf"}
        data = self._stored(line, "data", names)
        self._has(line, names)
        head = self._uuid(line, "client") + self._uuid(line, "secret") + self._uuid(line, "jti")
        entry = TOKEN_ENTRY + self._place(line, "issued_at") + head + as_field(data, MOST_DATA)
        return entry, sha256(b"\0" + head + data).digest()

    def _batch(self, line: dict[str, Any]) -> None:
        self._has(line, {"first_position", "last_position", "recorded_at", "root", "chain"})
        first, last = self._number(line, "first_position"), self._number(line, "last_position")
        self._bounds(first, last)
        if self.of_other_time is not None:
            raise self._wrong(self.of_other_time, "its time is not that of its batch")
        if self.moment != line["recorded_at"]:
            raise self._wrong(first, f"the time of the batch {first} to {last} is not that of its events")
        root = self.leaves.digest()
        if line["root"] != root.hex():
            raise self._wrong(
                first, f"the events {first} to {last} are not those that were committed together, or not in that order"
            )
        self.chain = sha256(
            self.chain + struct.pack(">qqq", first, last, self._moment(line, "recorded_at")) + root
        ).digest()
        if line["chain"] != self.chain.hex():
            raise self._wrong(
                first,
                f"the chain value of the batch {first} to {last} does not follow from the one before: something at or before it was changed, removed or added",
            )
        self.batch_position, self.leaves, self.moment, self.of_other_time = last, sha256(), None, None
        self._passed_over(first, last)
        self._meet()

    def _bounds(self, first: int, last: int) -> None:
        """Compares the bounds of a batch with the lines before it. Raises Wrong, which says what is missing, if that can be told."""
        begins, batch = self.batch_position + 1, f"the batch line of positions {first} to {last}"
        if last > self.position and first <= self.position + 1:
            raise self._missing(last, batch)
        if begins < first <= self.position:
            raise self._no_batch(first - 1, batch)
        if (first, last) != (begins, self.position):
            what = f"{batch} is not that of the lines before it, which have positions {begins} to {self.position}"
            raise self._wrong(min(begins, first), f"{what}: lines are missing, were added, or are out of order")

    def _missing(self, last: int, before: str) -> Wrong:
        first = self.position + 1
        what = f"line of position {last} is" if first == last else f"lines of positions {first} to {last} are"
        return self._wrong(first, f"the {what} missing before {before}")

    def _no_batch(self, last: int, before: str) -> Wrong:
        what = f"the batch line of positions {self.batch_position + 1} to {last} is missing before {before}"
        return self._wrong(self.batch_position + 1, what)

    def _passed_over(self, first: int, last: int) -> None:
        for size, checkpoint in self._known().items():
            if first <= size < last:
                raise self._wrong(size, f"no batch ends here, where {checkpoint} was signed")

    def _known(self) -> dict[int, Checkpoint]:
        return self.case.checkpoints.get(self.origin or "", {})

    def _meet(self) -> None:
        """Compares what was computed with the checkpoint of this position, if there is one."""
        if checkpoint := self._known().get(self.position):
            self._compare(checkpoint)

    def _compare(self, checkpoint: Checkpoint) -> None:
        since = "position 0" if self.proved is None else f"position {self.proved}, where all was still as signed"
        if checkpoint.chain is not None and checkpoint.chain != self.chain:
            raise self._wrong(
                self.position,
                f"the chain value here is not the one of {checkpoint}: something after {since} was changed, removed or added, and its hashes were computed again",
            )
        if self.tree is not None and self.tree.root() != checkpoint.root:
            raise self._wrong(
                self.position,
                f"the root of the Merkle tree here is not the one of {checkpoint}: something after {since} was changed",
            )
        if (checkpoint.chain is not None or self.tree is not None) and self.case.keys.has_quorum(checkpoint):
            self.proved = self.position
            self.case.connected.setdefault(checkpoint.origin, set()).add(self.position)

    def _checkpoint(self, line: dict[str, Any]) -> None:
        self._has(line, {"note"})
        note = self._text(line, "note")
        origin = note.partition("\n")[0]
        if self.batch_position != self.position:
            raise self._no_batch(self.position, "a checkpoint")
        if origin != (self.origin or origin):
            raise self._wrong(self.position, f"the checkpoint after this position is of {origin}")
        checkpoint = self.case.keys.opened(f"{self.where}, line {self.number}", note.encode())
        self.origin = checkpoint.origin
        if checkpoint.size != self.position:
            raise self._wrong(self.position, f"the checkpoint after this position is of size {checkpoint.size}")
        if (checkpoint.log == "issuance") != (self.log == "issuance"):
            raise self._wrong(self.position, "the checkpoint after this position is of the other log")
        # An export has one checkpoint for each second; only the last is kept, so that memory stays flat.
        if known := self._known().get(self.position):
            self.case.same(known, checkpoint)
        self._compare(checkpoint)
        self.last = checkpoint

    def _end(self, line: dict[str, Any], lines: Iterator[dict[str, Any]]) -> None:
        self._has(line, {"position", "chain"})
        at = self._number(line, "position"), self._hash(line, "chain")
        if at[0] == self.position > self.batch_position:
            raise self._no_batch(self.position, "the end line")
        if at != (self.position, self.chain) or self.batch_position != self.position:
            raise self._wrong(
                self.position + 1,
                f"the end line says that the export ends at position {at[0]}, but it ends after {self.position}, or with another chain value",
            )
        if next(lines, None) is not None:
            raise self._wrong(self.position + 1, "the export goes on after its end line")
        if self.last:
            self.case.admit(self.last)

    # The values of a line. Each is of one type and has one spelling.

    def _has(self, line: dict[str, Any], names: set[str]) -> None:
        if line.keys() != names | {"line"}:
            odd = ", ".join(map(repr, sorted(line.keys() ^ (names | {"line"}))))
            self._malformed(f"its fields are not those of its kind: {odd} is missing or should not be there")

    def _stored(self, line: dict[str, Any], name: str, names: set[str]) -> bytes:
        in_base64 = f"{name}_base64"
        if in_base64 not in line:
            names.add(name)
            return self._text(line, name).encode()
        names.add(in_base64)
        return self._read(line, in_base64, from_base64(self._text(line, in_base64)))

    def _text(self, line: dict[str, Any], name: str) -> str:
        value = line.get(name)
        return value if isinstance(value, str) else self._malformed(f"{name} is not a text")

    def _number(self, line: dict[str, Any], name: str) -> int:
        value = line.get(name)
        return value if type(value) is int and 0 <= value < 2**63 else self._malformed(f"{name} is not a whole number")

    def _hash(self, line: dict[str, Any], name: str) -> bytes:
        text = self._text(line, name)
        return bytes.fromhex(text) if _is_hash(text) else self._malformed(f"{name} is not 64 hex digits")

    def _uuid(self, line: dict[str, Any], name: str) -> bytes:
        return self._read(line, name, from_uuid(self._text(line, name)))

    def _moment(self, line: dict[str, Any], name: str) -> int:
        moment = from_moment(self._text(line, name))
        return self._malformed(f"{name} is not a time as an export writes it") if moment is None else moment

    def _place(self, line: dict[str, Any], name: str) -> bytes:
        return struct.pack(">qq", self._number(line, "position"), self._moment(line, name))

    def _read(self, line: dict[str, Any], name: str, value: bytes | None) -> bytes:
        return self._malformed(f"{name} is not of its form: {line[name]!r}") if value is None else value

    def _wrong(self, position: int, what: str) -> Wrong:
        return Wrong(self.where, position, what)

    def _malformed(self, what: str) -> NoReturn:
        raise self._wrong(self.position + 1, f"line {self.number}: {what}")


def _object(text: bytes) -> dict[str, Any]:
    """Raises ValueError, RecursionError. A text has one spelling, so that no changed byte goes unseen; escapes are rare."""
    value = json.loads(text.decode(), object_pairs_hook=_unique, parse_constant=_no_number)
    if not isinstance(value, dict):
        raise ValueError("it is something else")  # noqa: TRY004 - to the caller it is one of many faults of a text
    if b"\\u" in text:
        json.dumps(value, ensure_ascii=False).encode()  # half a character cannot be encoded
        if _capital_escape(text):
            raise ValueError("an escape is written in capital letters")
    return cast("dict[str, Any]", value)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("it has a name twice")
    return found


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number")


# Tiles and entry bundles.


@dataclass
class Tiles:
    """The tiles of a directory, or those of it that were named. It reads each file when it is needed."""

    home: Path
    case: Case
    named: set[Path] | None = None
    log: Log = "events"
    hashes: int = 0
    entries: int = 0
    missing: list[str] = field(default_factory=list[str])
    beyond: list[str] = field(default_factory=list[str])

    def variants(self, level: int | Literal["entries"], number: int) -> dict[int, Path]:
        """Returns the files of a tile by their width; a partial tile may lie there in several."""
        digits = f"{number:03}"
        digits = digits.zfill(-(-len(digits) // 3) * 3)
        parts = [digits[at : at + 3] for at in range(0, len(digits), 3)]
        full = self.home / "tile" / str(level) / "/".join([*(f"x{part}" for part in parts[:-1]), parts[-1]])
        partial = full.with_name(f"{full.name}.p")
        found = {WIDTH: full} if full.is_file() else {}
        if partial.is_dir():
            found |= {
                int(path.name): path
                for path in partial.iterdir()
                if path.name.isdecimal() and 0 < int(path.name) < WIDTH
            }
        return {width: path for width, path in sorted(found.items()) if self.named is None or path in self.named}

    def tile(self, level: int, number: int) -> tuple[str, list[bytes]] | None:
        """Returns the widest form of a tile, or what bundles or the tiles below say that it is. Raises Wrong, Unreadable."""
        if found := self.variants(level, number):
            width, path = max(found.items())
            return str(path), self._hashes(path, width)
        if level == 0:
            if found := self.variants("entries", number):
                path = max(found.items())[1]
                return str(path), [leaf_hash(entry) for entry in read_bundle(str(path), _small(path))]
            return None
        below: list[bytes] = []
        while (
            len(below) < WIDTH
            and (child := self.tile(level - 1, number * WIDTH + len(below)))
            and len(child[1]) == WIDTH
        ):
            below.append(tree_of(child[1]).root())
        return (f"the tiles below {self.home}/tile/{level}", below) if below else None

    def _hashes(self, path: Path, width: int) -> list[bytes]:
        value = _small(path)
        if len(value) != width * HASH:
            raise Wrong(
                str(path), None, f"a tile of width {width} has {width * HASH} bytes, and this one has {len(value)}"
            )
        return [value[at : at + HASH] for at in range(0, len(value), HASH)]

    def edge(self, size: int) -> list[tuple[int, int, str, list[bytes]]]:
        """Returns the partial tiles of the tree of this size, from left to right. Raises Wrong, and Unreadable if one is missing."""
        found: list[tuple[int, int, str, list[bytes]]] = []
        for level in range(7, -1, -1):
            number, width = size >> 8 * (level + 1), (size >> 8 * level) % WIDTH
            if width:
                tile = self.tile(level, number)
                if tile is None or len(tile[1]) < width:
                    raise Unreadable(
                        str(self.home),
                        f"the tile {level}/{number} of width {width} is missing: without it there is no root to compare with the checkpoint of size {size}",
                    )
                found.append((level, number, tile[0], tile[1][:width]))
        return found

    def root(self, size: int) -> bytes:
        return folded([subtree for *_, hashes in self.edge(size) for subtree in tree_of(hashes).subtrees])

    def below(self, level: int, number: int, where: str, hashes: list[bytes]) -> None:
        """Compares everything under a tile with its hashes. Raises Wrong, Unreadable."""
        self._same_tile(level, number, where, hashes)
        if level == 0:
            self.hashes += len(hashes)
            self._bundles(number, where, hashes)
            return
        for at, expected in enumerate(hashes):
            child = self.tile(level - 1, number * WIDTH + at)
            if child is None:
                self.missing.append(f"{level - 1}/{number * WIDTH + at}")
                continue
            if len(child[1]) != WIDTH or tree_of(child[1]).root() != expected:
                self._blame(level - 1, number * WIDTH + at, child, expected, where)
            self.below(level - 1, number * WIDTH + at, *child)

    def _same_tile(self, level: int, number: int, where: str, hashes: list[bytes]) -> None:
        for width, path in self.variants(level, number).items():
            for at, (one, other) in enumerate(zip(self._hashes(path, width), hashes, strict=False)):
                if one != other:
                    first = (number * WIDTH + at) * WIDTH**level + 1
                    raise Wrong(str(path), first, f"its hash {at} is not the one of {where}")
            if width > len(hashes):
                self.beyond.append(f"{path}, from its hash {len(hashes)} on")

    def _blame(self, level: int, number: int, child: tuple[str, list[bytes]], expected: bytes, where: str) -> NoReturn:
        first = number * WIDTH ** (level + 1) + 1
        if level == 0 and self.variants(0, number):
            for path in self.variants("entries", number).values():
                leaves = [leaf_hash(entry) for entry in read_bundle(str(path), _small(path))]
                if len(leaves) == WIDTH and tree_of(leaves).root() == expected:
                    at = next(
                        (at for at, pair in enumerate(zip(leaves, child[1], strict=False)) if pair[0] != pair[1]), 0
                    )
                    raise Wrong(
                        child[0], first + at, "the hash of this position is not that of the entry that was signed"
                    )
        raise Wrong(child[0], first, f"the hash of this tile is not the one that {where} has of it")

    def _bundles(self, number: int, where: str, hashes: list[bytes]) -> None:
        variants = self.variants("entries", number)
        if not variants:
            self.missing.append(f"entries/{number}")
        for width, path in variants.items():
            entries = read_bundle(str(path), _small(path))
            if len(entries) != width:
                raise Wrong(
                    str(path),
                    number * WIDTH + 1,
                    f"a bundle of width {width} has {width} entries, and this one has {len(entries)}",
                )
            for at, (entry, expected) in enumerate(zip(entries, hashes, strict=False)):
                position = number * WIDTH + at + 1
                if leaf_hash(entry) != expected:
                    raise Wrong(str(path), position, f"this entry is not the one whose hash is in {where}")
                read = read_entry(f"{path}, entry {at}", entry)
                if (read.log, read.position) != (self.log, position):
                    raise Wrong(
                        str(path),
                        position,
                        f"the log signed an entry here that says that it is position {read.position} of the {read.log} log",
                    )
                self.case.offer(read)
            if len(entries) > len(hashes):
                self.beyond.append(f"{path}, from position {number * WIDTH + len(hashes) + 1} on")
        self.entries += min(len(hashes), max(variants, default=0))

    def verify(self) -> None:
        """Raises Wrong, Unreadable."""
        where = str(self.home)
        sizes = self._checkpoints()
        largest = sizes[-1]
        self.log = largest.log
        edge = self.edge(largest.size)
        differs = self.root(largest.size) != largest.root
        for level, number, source, hashes in edge:
            self.below(level, number, source, hashes)
        if differs:
            raise Wrong(
                where,
                None,
                f"the tiles' root is not the one of {largest}; the tiles at its right edge are {', '.join(source for _, _, source, _ in edge)}",
            )
        for checkpoint in sizes:
            if self.root(checkpoint.size) != checkpoint.root:
                raise Wrong(where, checkpoint.size, f"the tiles' root at this size is not the one of {checkpoint}")
            self.case.connected.setdefault(largest.origin, set()).add(checkpoint.size)
        self._said(sizes)

    def _checkpoints(self) -> list[Checkpoint]:
        own = self.home / "checkpoint"
        origin = self.case.opened(str(own), _small(own)).origin if own.is_file() and self.named is None else None
        if origin is None and len(self.case.checkpoints) != 1:
            raise Unreadable(
                str(self.home), "there is no file `checkpoint` here, so that it takes a checkpoint of one log beside it"
            )
        origin = origin or next(iter(self.case.checkpoints))
        return [self.case.checkpoints[origin][size] for size in sorted(self.case.checkpoints[origin])]

    def _said(self, sizes: list[Checkpoint]) -> None:
        largest = sizes[-1]
        self.case.report.proved.append(
            f"{self.home}: {self.entries:,} entries in bundles, and {self.hashes:,} hashes of entries in tiles, are those of {largest} of {largest.origin}"
            + "".join(f", and so of {other}" for other in sizes[:-1])
            + "."
        )
        for few in (self.missing[:5],) if self.missing else ():
            more = f" and {len(self.missing) - 5:,} more" if len(self.missing) > 5 else ""
            self.case.report.unproved.append(
                f"{self.home}: what is in {', '.join(few)}{more}: these tiles or bundles are not here."
            )
        self.case.report.unproved.extend(f"{each}: this comes after {largest}." for each in self.beyond)


# Proofs.


@dataclass(frozen=True)
class Proof:
    """An inclusion proof. `data` is that of a long event, of which the entry has only the hash."""

    where: str
    index: int
    path: tuple[bytes, ...]
    checkpoint: Checkpoint
    extra: bytes | None
    data: bytes | None = None

    def verify(self, case: Case) -> str:
        """Returns what it proves. Raises Wrong, Unreadable."""
        known = case.entries.get((self.checkpoint.log, self.index + 1))
        extra = None if self.extra is None else read_entry(f"{self.where}, extra", self.extra)
        if known is None and extra is None:
            raise Unreadable(
                self.where,
                f"it is a proof of position {self.index + 1}, and the entry of that position was not given: --entry, an export, or a bundle",
            )
        if self.index >= self.checkpoint.size:
            raise Wrong(self.where, self.index + 1, f"it is a proof of a position that {self.checkpoint} does not have")
        for entry in filter(None, (known, extra)):
            if (entry.log, entry.position) != (self.checkpoint.log, self.index + 1):
                raise Wrong(
                    self.where,
                    self.index + 1,
                    f"the entry that was given is position {entry.position} of the {entry.log} log",
                )
            if not includes(self.checkpoint.root, self.checkpoint.size, self.index, entry.leaf, self.path):
                raise Wrong(
                    self.where,
                    self.index + 1,
                    f"the proof does not lead from the entry that was given to the root of {self.checkpoint}: the entry or the proof was changed",
                )
        says = printable(known.says if known else extra.says if extra else "")
        return f"{self.where}: position {self.index + 1} of {self.checkpoint.origin} is {says}. It is in the log of {self.checkpoint}."


def read_proof(case: Case, where: str, text: bytes) -> Proof:
    """Raises Wrong, Unreadable."""
    head, between, note = text.partition(b"\n\n")
    try:
        lines = head.decode("ascii").split("\n")[1:]
    except UnicodeDecodeError as fault:
        raise Wrong(where, None, "an inclusion proof is ASCII text up to its checkpoint") from fault
    extra = from_base64(lines.pop(0).removeprefix("extra ")) if lines and lines[0].startswith("extra ") else b""
    index = from_size(lines.pop(0).removeprefix("index ")) if lines and lines[0].startswith("index ") else None
    if not between or index is None or extra is None:
        raise Wrong(
            where,
            None,
            "an inclusion proof has a line `index N`, hashes, an empty line and a checkpoint (c2sp.org/tlog-proof)",
        )
    return Proof(where, index, _path(where, lines), case.opened(where, note), extra or None)


def _path(where: str, lines: Sequence[str]) -> tuple[bytes, ...]:
    path = [from_base64_hash(line) for line in lines[: MOST_PATH + 1]]
    if len(path) > MOST_PATH or None in path:
        raise Wrong(where, None, f"a proof has at most {MOST_PATH} hashes, each a line of base64")
    return tuple(value for value in path if value is not None)


@dataclass(frozen=True)
class Consistency:
    """A proof that one checkpoint's history is the beginning of another's."""

    where: str
    old: int
    path: tuple[bytes, ...]
    checkpoint: Checkpoint

    def verify(self, case: Case) -> str:
        """Returns what it proves. Raises Wrong, Unreadable."""
        new = self.checkpoint
        old = case.checkpoints.get(new.origin, {}).get(self.old)
        if old is None:
            raise Unreadable(
                self.where,
                f"it is a proof from size {self.old}, and no checkpoint of {new.origin} of that size was given",
            )
        if not extends(old.size, old.root, new.size, new.root, self.path):
            raise Wrong(
                self.where,
                self.old,
                f"the proof does not lead from {old} to {new}: either it was changed, or the log signed two histories",
            )
        return f"{self.where}: the history of {old} is the beginning of that of {new}: up to position {old.size} nothing was removed, added, reordered or changed between the two."


def read_consistency(case: Case, where: str, text: bytes) -> Consistency:
    """Raises Wrong, Unreadable."""
    head, between, note = text.partition(b"\n\n")
    lines = head.decode(errors="replace").split("\n")
    old = from_size(lines[0].removeprefix("old "))
    if not between or old is None:
        raise Wrong(
            where,
            None,
            "a consistency proof has a line `old SIZE`, hashes, an empty line and a checkpoint (c2sp.org/tlog-witness)",
        )
    return Consistency(where, old, _path(where, lines[1:]), case.opened(where, note))


# Why there is a token: the answer follows from the entries, so it is derived from them again and compared.

Shown = dict[str, Any]

SECRETIVE = frozenset({"hash", "imported", "token_hash", "code_challenge", "profile", "password", "kept", "device"})
"""The fields of events that no answer shows: hashes of secrets, and what is sealed for a person."""

ACTORS = {"client": ("client_id", "sub"), "user": ("user_id", "session"), "operator": ("user",), "service": ("why",)}

LOGIN: Shown = {
    "first_party": False,
    "id_token_alg": "RS256",
    "post_logout_redirect_uris": [],
    "backchannel_logout_uri": None,
}
ADDED: Mapping[str, Shown] = {
    "client.login_changed": {"login": LOGIN, "was": LOGIN},
    "client.registered": {"grant": {"bot_user_id": None}, "secret": {"expires_at": None}},
    "client.restored": {"grant": {"bot_user_id": None}, "login": LOGIN, "secrets": {"expires_at": None}},
    "client.secret_added": {"secret": {"expires_at": None}},
    "authorization.granted": {"id_token_claims": [], "userinfo_claims": []},
}
"""What the answer shows of fields that the entries of earlier versions do not have yet. A list has objects of one form."""

SCOPES_OF = frozenset({"client.registered", "client.restored", "client.scopes_changed", "consent.given"})
APIS_OF = frozenset({"client.registered", "client.restored", "client.apis_changed"})
NAMING = frozenset({"client.registered", "client.restored", "client.display_name_changed"})
DELETING = frozenset({"client.deleted", "bot.deleted", "trusted_issuer.deleted"})
DISABLING = frozenset({"client.disabled", "bot.disabled", "trusted_issuer.disabled"} | DELETING)
ENABLING = frozenset({"client.enabled", "client.restored", "bot.enabled", "bot.restored", "trusted_issuer.enabled"})
EXCHANGE, ID_TOKEN_SESSION = "exchange.made", "session.started"
EXCHANGES = frozenset({"authorization.code_redeemed", "authorization.refresh_token_rotated"})
AUTHENTICATIONS = frozenset({"session.started", "session.reauthenticated"})
PLACES = (
    "jwks_uri",
    *(f"tls_client_auth_{name}" for name in ("subject_dn", "san_dns", "san_uri", "san_ip", "san_email")),
)
"""The security settings that say where the keys of a client are, or which certificate is its."""

MOST_FAULTS = 10

_is_bot = re.compile(r"bot_([0-9a-f]{32})", re.ASCII).fullmatch


@dataclass(frozen=True)
class Fact:
    """An event that an entry proves. Its data is decoded when it is needed: a long one has only its hash in the entry."""

    where: str
    event: Event

    @property
    def kind(self) -> str:
        return self.event.kind

    @cached_property
    def data(self) -> Shown:
        if self.event.schema != 1:
            what = f"position {self.event.position} was recorded by a version that this verifier does not know"
            raise Unreadable(self.where, what)
        return _decoded(self.where, self.event.position, "data", self.event.data)

    @cached_property
    def shown(self) -> Shown:
        """Returns the event as an answer shows it. Raises Wrong, Unreadable."""
        event = self.event
        meta = _decoded(self.where, event.position, "metadata", event.meta)
        actor, reason = meta["actor"], meta.get("reason")
        return {
            "position": event.position,
            "recordedAt": moment_of(event.moment),
            "type": event.kind,
            "streamId": str(event.stream),
            "subject": _subject(event),
            "version": event.version,
            "actor": {"by": actor["by"], **{_camel(name): actor.get(name) for name in ACTORS[actor["by"]]}},
            "requestId": meta["request_id"],
            "cause": meta.get("cause"),
            "address": meta.get("address"),
            "reason": {"sealedFor": reason["user_id"]} if isinstance(reason, dict) else reason,
            "data": public(with_added(self.data, ADDED.get(event.kind, {}))),
            **({"traceId": meta["trace_id"]} if meta.get("trace_id") else {}),
        }


Past = Sequence[Fact]


def _decoded(where: str, position: int, what: str, value: bytes | None) -> Shown:
    if value is None:
        raise Unreadable(where, f"the entry of position {position} has only the hash of its {what}, which is very long")
    try:
        return _object(value)
    except (ValueError, RecursionError) as fault:
        raise Wrong(where, position, f"the {what} of this entry is not a JSON object: {fault}") from fault


def with_added(value: Shown, added: Shown) -> Shown:
    """Returns the stored fields with those that later versions added."""
    full = {name: each for name, each in added.items() if not isinstance(each, dict)} | value
    for name, each in added.items():
        inner = full.get(name)
        if isinstance(each, dict) and isinstance(inner, dict):
            full[name] = with_added(cast("Shown", inner), cast("Shown", each))
        elif isinstance(each, dict) and isinstance(inner, list):
            full[name] = [with_added(one, cast("Shown", each)) for one in cast("list[Shown]", inner)]
    return full


def public(value: Shown) -> Shown:
    """Returns the fields of an event that an answer shows."""
    return {name: each for name, each in _without_secrets(value).items() if name != "type"}


def _without_secrets(value: Any) -> Any:
    if isinstance(value, dict):
        fields = cast("Shown", value).items()
        return {name: _without_secrets(each) for name, each in fields if name not in SECRETIVE}
    return list(map(_without_secrets, cast("list[Any]", value))) if isinstance(value, list) else value


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def _subject(event: Event) -> str:
    match event.kind.partition(".")[0]:
        case "client":
            return client_id_of(event.stream)
        case "bot":
            return f"bot_{event.stream.hex}"
        case _:
            return str(event.stream)


NAMED_MASK, NAMED = 0xF << 76 | 0x3 << 62, 0x8 << 76 | 0x2 << 62
"""The bits of the stream ids that are computed from names: version 8 of RFC 9562."""


def client_id_of(stream: UUID) -> str:
    return str(stream) if stream.int & NAMED_MASK == NAMED else f"oauth_client_{stream.hex}"


def stream_named(*parts: bytes) -> UUID:
    value = int.from_bytes(sha256(b"\0".join(parts)).digest()[:16], "big")
    return UUID(int=value & ~NAMED_MASK | NAMED)


@dataclass(frozen=True)
class Relied:
    """What a token relies on, by the entries of a bundle: its record, and streams from their first version on."""

    where: str
    token: Token
    streams: Mapping[UUID, Past]
    before: "Relied | None" = None
    """The same of the token that this one was exchanged from."""

    @cached_property
    def data(self) -> Shown:
        return _decoded(f"{self.where}, the token", self.token.position, "data", self.token.data)

    def _past(self, stream: UUID | str | None) -> Past:
        return self.streams.get(UUID(stream) if isinstance(stream, str) else stream or UUID(int=0), ())

    def _until(self, past: Past) -> Past:
        return [each for each in past if each.event.moment <= self.token.moment]

    @cached_property
    def client(self) -> Past:
        """Returns the whole stream of the client. Raises Wrong."""
        past = self._past(self.token.client)
        if not past or past[0].kind != "client.registered":
            raise self.wrong("answer.client", f"no entry is the registration of the token's client {self.token.client}")
        return past

    @cached_property
    def then(self) -> Past:
        """Returns the client's events up to the token's; at least the first, because the clock may have been set back."""
        return self._until(self.client) or self.client[:1]

    @cached_property
    def bot(self) -> Past:
        bot = _is_bot(self.data["sub"])
        return self._past(UUID(bot[1])) if bot else ()

    @cached_property
    def authorization(self) -> Past:
        return self._past(self.data.get("authorization"))

    @cached_property
    def granted(self) -> Fact | None:
        """Returns the grant of the authorization that the token names. Raises Wrong if the token names one without it."""
        found = _first(self.authorization, {"authorization.granted"})
        if found is None and self.data.get("authorization") is not None:
            raise self.wrong("answer.login", "no entry is the grant of the authorization that the token names")
        if found and self.before is None and UUID(found.data["client"]) != self.token.client:
            raise self.wrong("answer.login.granted", "the grant is to another client than the token's")
        return found

    @cached_property
    def consents(self) -> list[Past]:
        """Returns the user's consents: one for each resource of the grant."""
        if self.granted is None or self.exchange or self.granted.data.get("assertion"):
            return []
        user, client_id = UUID(self.granted.data["user"]).bytes, str(self.client_id).encode()
        resources = (self.granted.data["resource"] or "").split() or [""]
        return [self._past(stream_named(b"consent", user, client_id, each.encode())) for each in resources]

    @property
    def client_id(self) -> str:
        return self.client[0].data.get("client_id") or client_id_of(self.token.client)

    @cached_property
    def subject(self) -> str | None:
        """Returns the jti of the token that this one was exchanged from; of an ID token, its session."""
        return self.data.get("subject_token")

    @cached_property
    def exchange(self) -> Fact | None:
        """Returns the exchange that made the token, which has to be of it. Raises Wrong, Unreadable."""
        if self.subject is None:
            return None
        past = self._past(stream_named(b"exchange", UUID(self.subject).bytes))
        found = _first(past, {EXCHANGE}, jti=str(self.token.jti))
        if found is None:
            raise Unreadable(self.where, f"no entry is the exchange that made the token {self.token.jti}")
        kind = self.data.get("typ", "access_token")
        right = {"subject": self.subject, "client_id": self.client_id, "kind": kind, "actor": self.data.get("actor")}
        self._compare("its exchange", found.data, right | {name: self.data[name] for name in ("sub", "scope")})
        return found

    @cached_property
    def exchanged_session(self) -> Past:
        """Returns the session of the ID token that was exchanged; of another token, nothing. Raises Wrong."""
        past = self._past(self.subject)
        if not past or past[0].kind != ID_TOKEN_SESSION:
            return self.before.exchanged_session if self.before else ()
        self._compare("its session", past[0].data, {"user": self.data["sub"]})
        return past

    def exchanged_from(self) -> list[Shown]:
        """Returns the links of the chain, latest first. Raises Wrong, Unreadable."""
        if self.exchange is None:
            return []
        link = {"jti": self.subject, "clientId": self.exchange.data["subject_client"], "exchanged": self.exchange.shown}
        session = self._until(self.exchanged_session)
        signed_in = _all_shown(each for each in session if each.kind in AUTHENTICATIONS)
        if self.before is None:
            if not self.exchanged_session:
                what = f"no entry is the record of the token {self.subject}, from which the token {self.token.jti} was exchanged"
                raise Unreadable(self.where, what)
            return [link | {"authenticated": signed_in}]
        self._check_before(self.before)
        return [link, *self.before.exchanged_from()]

    def _check_before(self, before: "Relied") -> None:
        """A token has no more than the one that it was exchanged from. Raises Wrong."""
        assert self.exchange is not None
        self._compare("its exchange", self.exchange.data, {"subject_client": before.client_id})
        right = {name: before.data.get(name) for name in ("sub", "authorization")}
        self._compare("its record", {name: self.data.get(name) for name in right}, right)
        if self.data["exp"] > before.data["exp"]:
            raise self.wrong(
                "answer.exchangedFrom", f"the token {self.token.jti} expires later than {before.token.jti}"
            )
        more = set(self.data["scope"].split()) - set(before.data["scope"].split())
        if more and "typ" not in self.data:
            what = f"the token {self.token.jti} has scopes that {before.token.jti} has not: {' '.join(sorted(more))}"
            raise self.wrong("answer.exchangedFrom", what)

    def _compare(self, what: str, given: Shown, right: Shown) -> None:
        for name, value in right.items():
            if given.get(name) != value:
                why = f"{what} says another {name} of the token {self.token.jti}: {_told(given.get(name))}, not {_told(value)}"
                raise self.wrong("answer.exchangedFrom", why)

    def answer(self) -> Shown:
        """Returns the whole answer. Raises Wrong, Unreadable."""
        exchanged_from, login = self.exchanged_from(), self._login()
        bot = {"id": self.data["sub"], "events": _all_shown(self._until(self.bot))}
        return {
            "token": self._token(),
            "client": self._client(),
            "secret": self._secret(),
            "bot": None if login or self.exchanged_session else bot,
            "scopes": self._scopes(),
            "signingKey": self._signing_key(),
            "login": login,
            "stopped": self._stopped(),
            **({"exchangedFrom": exchanged_from} if exchanged_from else {}),
            **self._workload_identity(),
            **self._remote_key(),
        }

    def _token(self) -> Shown:
        return {
            "position": self.token.position,
            "issuedAt": moment_of(self.token.moment),
            "jti": str(self.token.jti),
            "clientId": client_id_of(self.token.client),
            "secretId": str(self.token.secret) if self.token.secret.int else None,
            **{name: self.data[name] for name in ("sub", "scope", "kid")},
            "expiresAt": moment_of(self.data["exp"] * 1_000_000),
            "address": self.data.get("address"),
            "authorizationId": self.data.get("authorization"),
            **{name: value for name, value in self.data.get("cnf", {}).items() if name == "jkt"},
        }

    def _client(self) -> Shown:
        lives = [each for each in self.then if each.kind in {"client.registered", "client.restored"}]
        names = [each for each in self.then if each.kind in NAMING]
        return {
            "clientId": self.client_id,
            "version": self.then[-1].event.version,
            "owner": lives[-1].data["owner"],
            "displayName": names[-1].data["display_name"],
            "registered": self.then[0].shown,
            "lastChange": self.then[-1].shown,
        }

    def _secret(self) -> Shown | None:
        secret_id = str(self.token.secret)
        if not self.token.secret.int:
            return None
        for each in self.client:
            for secret in _secrets(each):
                if secret["id"] == secret_id:
                    revoked = _first(self.client, {"client.secret_revoked"}, secret_id=secret_id)
                    revoked = revoked or _first(self.client, {"client.key_revoked"}, key_id=secret_id)
                    return {
                        "secretId": secret_id,
                        "name": secret["name"],
                        "hint": secret["hint"],
                        "added": each.shown,
                        "revoked": revoked and revoked.shown,
                    }
        if any(map(_has_other_keys, self.client)) or self._workload_identity():
            return None
        raise self.wrong("answer.secret", f"no entry gives the client the secret {secret_id} that the token names")

    def _workload_identity(self) -> Shown:
        """Returns the workload identity, as the client got it last before the token was issued, and what took it from the client."""
        identity: Shown | None = None
        added: Fact | None = None
        removed: Fact | None = None
        for each, security in _securities(self.client):
            found = self._identity(security)
            if found is None:
                removed = removed or (added and each)
            elif added is None or (removed is not None and each.event.moment <= self.token.moment):
                identity, added, removed = found, each, None
        if identity is None or added is None:
            return {}
        shown = {"identityId": str(self.token.secret), **{name: identity[name] for name in ("issuer", "subject")}}
        shown |= {"audience": identity.get("audience")}
        return {"workloadIdentity": {**shown, "added": added.shown, "removed": removed and removed.shown}}

    def _identity(self, security: Shown) -> Shown | None:
        """Returns the workload identity of these settings that the token names."""
        for each in security.get("workload_identities", ()):
            about = [each["issuer"], each["subject"], each.get("audience")]
            name = json.dumps(about, separators=(",", ":"), ensure_ascii=False)
            if uuid5(self.token.client, name) == self.token.secret:
                return each
        return None

    def _remote_key(self) -> Shown:
        """Returns the key or certificate that no event has, and what made its place the client's. Raises Wrong."""
        thumbprint = self.data.get("client_key")
        if thumbprint is None:
            return {}
        if uuid5(self.token.client, thumbprint) != self.token.secret:
            raise self.wrong("answer.remoteKey", f"the id {self.token.secret} that the token names is of another key")
        named, place = self.then[0], None
        for each, security in _securities(self.then):
            there = [security.get(name) for name in PLACES]
            if there != place:
                named, place = each, there
        return {"remoteKey": {"thumbprint": thumbprint, "jwksUri": place and place[0], "named": named.shown}}

    def _scopes(self) -> list[Shown]:
        givers = self._givers()
        return [
            {"scope": scope, "given": [by[scope].shown for by in givers if scope in by]}
            for scope in self._named_scopes()
        ]

    def _givers(self) -> list[Mapping[str, Fact]]:
        """Returns who gave each scope: the exchange; or else the client's own events, and the issuer's assertion or the user's consents."""
        if self.exchange:
            return [dict.fromkeys(self.data["scope"].split(), self.exchange)]
        own = _givers(self.then, (self.data.get("audience") or "").split())
        if self.granted and self.granted.data.get("assertion"):
            return [own, dict.fromkeys(self.granted.data["scopes"], self.granted)]
        return [own, *(_givers(self._until(each)) for each in self.consents)]

    def _named_scopes(self) -> list[str]:
        """Returns the scopes of the token. Raises Wrong if an entry of none that can give it names one."""
        scopes = self.data["scope"].split()
        if self.exchange:
            return scopes
        past = [*self.client, *(each for past in self.consents for each in past)]
        lists = [each.data["scopes"] for each in past if each.kind in SCOPES_OF]
        lists += [api["scopes"] for each in past if each.kind in APIS_OF for api in each.data.get("apis") or ()]
        lists += [self.granted.data["scopes"]] if self.granted else []
        named = {scope for each in lists for scope in each}
        for at, scope in enumerate(scopes):
            if scope not in named:
                raise self.wrong(f"answer.scopes[{at}]", f"no entry gives the scope {scope}, which the token has")
        return scopes

    def _signing_key(self) -> Shown:
        kid = self.data["kid"]
        keys = [past for past in self.streams.values() if _first(past[:1], {"signing_key.published"}, kid=kid)]
        if not keys or _first(keys[0], {"signing_key.activated"}) is None:
            raise self.wrong(
                "answer.signingKey", f"no entries publish and activate the key {kid} that signed the token"
            )
        return {"kid": kid, "events": _all_shown(self._until(keys[0]))}

    def _login(self) -> Shown | None:
        if self.granted is None:
            return None
        granted = self.granted.data
        registered = _first(self._past(granted["user"]), {"user.registered"})
        if registered is None:
            raise self.wrong("answer.login.registered", f"no entry is the registration of the user {granted['user']}")
        session, assertion = self._past(granted["session"]), granted.get("assertion")
        if assertion is None and _first(session, {"session.started"}) is None:
            raise self.wrong("answer.login.authenticated", f"no entry starts the session {granted['session']}")
        authenticated = [each for each in session if each.kind in AUTHENTICATIONS]
        exchanges = {each.data["jti"]: each.shown for each in self.authorization if each.kind in EXCHANGES}
        own, jtis = exchanges.get(str(self.token.jti)), list(exchanges)
        before = jtis[: jtis.index(str(self.token.jti))] if own else []
        return {
            "userId": granted["user"],
            "registered": registered.shown,
            "sessionId": granted["session"],
            "authenticated": _all_shown(
                each for each in authenticated if each.event.moment <= self.granted.event.moment
            ),
            "authenticatedAt": granted["auth_time"],
            "amr": granted["amr"],
            "acr": granted["acr"],
            "granted": self.granted.shown,
            "exchanged": own,
            "parents": [{"jti": jti, "exchanged": exchanges[jti]} for jti in before],
            **({"assertedBy": self._asserted_by(assertion)} if assertion else {}),
        }

    @cached_property
    def issuer(self) -> Past:
        """Returns the trusted issuer that asserted the user; nothing if the user signed in here."""
        assertion = self.granted.data.get("assertion") if self.granted else None
        return self._past(assertion["issuer_id"]) if assertion else ()

    def _asserted_by(self, assertion: Shown) -> Shown:
        granted = self.granted
        assert granted is not None
        if _first(self.issuer[:1], {"trusted_issuer.registered"}, issuer=assertion["issuer"]) is None:
            what = f"no entry is the registration of the trusted issuer {assertion['issuer_id']}"
            raise self.wrong("answer.login.assertedBy", what)
        events = (each for each in self.issuer if each.event.moment <= granted.event.moment)
        return {"issuer": assertion["issuer"], "events": _all_shown(events)}

    def _stopped(self) -> list[Shown]:
        """Returns the events that keep the token inactive after all that the entries have: those of each token of the chain."""
        found = {each.event.position: each for one in self.chain for each in one.stopping()}
        return _all_shown(found[position] for position in sorted(found))

    @property
    def chain(self) -> "list[Relied]":
        return [self, *(self.before.chain if self.before else ())]

    def stopping(self) -> Past:
        return [
            *(each for each in self._past(self.token.jti) if each.kind == "access_token.revoked"),
            *(each for each in self.authorization if each.kind == "authorization.revoked"),
            *_disabling(self.client, self.token.moment),
            *_disabling(self.bot, self.token.moment),
            *_disabling(self.issuer, self.token.moment),
        ]

    def wrong(self, what: str, why: str) -> Wrong:
        return Wrong(self.where, None, f"{what} is not proved: {why}")


def _first(past: Past, kinds: set[str], **having: str) -> Fact | None:
    return next((each for each in past if each.kind in kinds and having.items() <= each.data.items()), None)


def _all_shown(past: Iterable[Fact]) -> list[Shown]:
    return [each.shown for each in past]


def _secrets(fact: Fact) -> list[Shown]:
    """Returns the secrets and the keys that the event gives a client."""
    match fact.kind:
        case "client.registered" | "client.secret_added":
            secrets = [fact.data["secret"]] if fact.data["secret"] else []
        case "client.restored":
            secrets = fact.data["secrets"]
        case _:
            secrets = []
    keys = [fact.data["key"]] if fact.kind == "client.key_added" else fact.data.get("keys") or []
    return [
        *({"id": each["secret_id"], "name": each["name"], "hint": each["hint"]} for each in secrets),
        *({"id": each["key_id"], "name": each["name"], "hint": each["kid"]} for each in keys),
    ]


def _securities(past: Past) -> Iterator[tuple[Fact, Shown]]:
    """Yields the security settings that these events give a client."""
    for each in past:
        if each.kind in {"client.registered", "client.restored", "client.security_changed"}:
            yield each, each.data.get("security") or {}


def _has_other_keys(fact: Fact) -> bool:
    """Returns whether the client authenticates, from this event on, by a key that no event of it has: of a URL or a certificate."""
    security = cast("Shown", fact.data.get("security") or {})
    method = str(security.get("token_endpoint_auth_method", ""))
    return "jwks_uri" in security or method.endswith("tls_client_auth")


def _givers(past: Past, audiences: Sequence[str] = ()) -> Mapping[str, Fact]:
    """Returns, for each scope that is held after these events, the event from which on it has been held.

    Of the APIs that a client is granted, those count that the token is for. If there is none, its own scopes count.
    """
    of_own: dict[str, Fact] = {}
    of_apis: dict[str, Fact] = {}
    own: list[str] = []
    granted: list[Shown] = []
    for each in past:
        if each.kind in SCOPES_OF:
            own = each.data["scopes"]
        if each.kind in APIS_OF:
            granted = each.data.get("apis") or []
        if each.kind in {"client.deleted", "consent.withdrawn"}:
            own, granted = [], []
        elif each.kind not in SCOPES_OF | APIS_OF:
            continue
        of_own = {scope: of_own.get(scope, each) for scope in own}
        there = [scope for api in granted if api["identifier"] in audiences for scope in api["scopes"]]
        of_apis = {scope: of_apis.get(scope, each) for scope in there}
    return of_apis or of_own


def _disabling(past: Past, issued_at: int) -> Past:
    """Returns the event that keeps what was issued then inactive. A deletion does for ever, also after a restoration."""
    stopped: Past = ()
    for each in past:
        if each.kind in DELETING and each.event.moment > issued_at:
            return (each,)
        if each.kind in DISABLING:
            stopped = (each,)
        elif each.kind in ENABLING:
            stopped = ()
    return stopped


def relied_on(where: str, entries: Iterable[Entry]) -> Relied:
    """Returns what entries that are proved say about one token, and about those that it was exchanged from. Raises Wrong, Unreadable."""
    tokens: list[Token] = []
    streams: dict[UUID, list[Fact]] = {}
    last = 0
    for entry in entries:
        if isinstance(entry.content, Token):
            tokens.append(entry.content)
            continue
        if entry.position <= last:
            raise Wrong(where, entry.position, "the entry of this position stands twice in the bundle, or out of order")
        event, last = entry.content, entry.position
        past = streams.setdefault(event.stream, [])
        if event.version != len(past) + 1 and event.kind != EXCHANGE:  # each exchange stands for itself
            what = f"the bundle leaves out version {len(past) + 1} of the stream {event.stream}, which comes before this one"
            raise Wrong(where, event.position, what)
        past.append(Fact(where, event))
    return _linked(where, [Relied(where, token, streams) for token in tokens])


def _linked(where: str, every: Sequence[Relied]) -> Relied:
    """Returns the last token of the chain, linked to the one before. Raises Wrong, Unreadable."""
    left = {str(each.token.jti): each for each in every}
    subjects = {each.subject for each in every}
    last = [each for each in every if str(each.token.jti) not in subjects]
    chain = last[:1]
    while chain and (before := left.pop(chain[-1].subject or "", None)):
        chain.append(before)
    if len(last) != 1 or len(chain) != len(every):
        what = f"answer.token is not proved: the bundle has the records of {len(every)} tokens, not of one and those that it was exchanged from"
        raise Wrong(where, None, what)
    linked = None
    for each in reversed(chain):
        linked = replace(each, before=linked)
    return cast("Relied", linked)


def derived(relied: Relied) -> Shown:
    """Returns the answer that the entries prove. Raises Wrong, Unreadable."""
    try:
        return relied.answer()
    except (KeyError, TypeError, ValueError, AttributeError) as fault:
        what = f"the log signed an entry without what its kind has ({type(fault).__name__}: {fault})"
        raise Wrong(relied.where, None, what) from fault


def differences(
    given: Any, right: Any, path: str = "answer", position: int | None = None
) -> Iterator[tuple[str, int | None, str]]:
    """Yields each field of an answer that is not what the entries say, with the position of the event that it is of."""
    if isinstance(right, dict) and isinstance(given, dict):
        one, other = cast("Shown", given), cast("Shown", right)
        at = other["position"] if "recordedAt" in other else position
        for name in (*other, *(name for name in one if name not in other)):
            yield from _difference(one.get(name, MISSING), other.get(name, MISSING), f"{path}.{name}", at)
    elif isinstance(right, list) and isinstance(given, list):
        pairs = zip_longest(cast("list[Any]", given), cast("list[Any]", right), fillvalue=MISSING)
        for at, (one, other) in enumerate(pairs):
            yield from _difference(one, other, f"{path}[{at}]", position)
    elif not _same(given, right):
        yield path, position, f"is {_told(given)}, but the entries say {_told(right)}"


def _difference(given: Any, right: Any, path: str, position: int | None) -> Iterator[tuple[str, int | None, str]]:
    if given is MISSING:
        yield path, position, f"is missing, but the entries say {_told(right)}"
    elif right is MISSING:
        yield path, position, f"is {_told(given)}, but the entries say nothing of it"
    else:
        yield from differences(given, right, path, position)


def _same(one: Any, other: Any) -> bool:
    """Returns whether the values are equal and of one type: for Python, 1, 1.0 and true are equal."""
    return type(one) is type(other) and one == other


def _told(value: Any) -> str:
    match value:
        case dict():
            return "an object"
        case list():
            return "a list"
        case _:
            text = json.dumps(value)
            return text if len(text) <= 100 else f"{text[:100]}\N{HORIZONTAL ELLIPSIS}"


# What a person gives, and what they are told.


@dataclass(frozen=True)
class Bundle:
    """A provenance bundle: an answer, those about the tokens that it was exchanged from, and a proof of each entry that they follow from."""

    where: str
    proofs: tuple[Proof, ...]
    answer: Any
    before: list[Any]


@dataclass
class Given:
    """The files by their kinds, in the order in which they are verified."""

    checkpoints: list[Checkpoint] = field(default_factory=list[Checkpoint])
    exports: list[str] = field(default_factory=list[str])
    trees: dict[Path, set[Path] | None] = field(default_factory=dict[Path, set[Path] | None])
    proofs: list[Proof] = field(default_factory=list[Proof])
    consistencies: list[Consistency] = field(default_factory=list[Consistency])
    bundles: list[Bundle] = field(default_factory=list[Bundle])


def _small(path: Path) -> bytes:
    """Raises Wrong, Unreadable."""
    try:
        with path.open("rb") as file:
            value = file.read(MOST_SMALL_FILE + 1)
    except OSError as fault:
        raise Unreadable(str(path), fault.strerror or "it cannot be opened") from fault
    if len(value) > MOST_SMALL_FILE:
        raise Wrong(str(path), None, "it is larger than a file of its kind can be")
    return value


def recognize(case: Case, given: Given, name: str) -> None:
    """Puts a file where it belongs. Raises Wrong, Unreadable."""
    path = Path(name)
    tile = _is_tile(name)
    if name == "-":
        given.exports.append(name)
    elif path.is_dir():
        given.trees[path] = None
        if (own := path / "checkpoint").is_file():
            case.opened(str(own), _small(own))
    elif tile and (int(tile["width"] or 1) < WIDTH):
        named = given.trees.setdefault(Path(tile["home"] or "."), set())
        if named is not None:
            named.add(path)
    else:
        _recognize_text(case, given, name, path)


FEEDS = (b'{"position":', b'[{"position":', b"position,")
"""How files of the audit feed, and of the lists of issued tokens, begin: as JSON lines, as JSON, and as CSV."""

NO_EXPORT = "this is no export but a list of the audit API, which has nothing that was signed: `muniment log export` writes what can be verified"


def _recognize_text(case: Case, given: Given, name: str, path: Path) -> None:
    try:
        with path.open("rb") as file:
            begins = file.read(64)
    except OSError as fault:
        raise Unreadable(name, fault.strerror or "it cannot be opened") from fault
    if begins.startswith(FEEDS):
        raise Unreadable(name, NO_EXPORT)
    if begins.startswith(b'{"line":"'):
        given.exports.append(name)
    elif begins.lstrip().startswith(b"{"):
        provenance(case, given, name, _small(path))
    elif begins.startswith(b"c2sp.org/tlog-proof"):
        if not begins.startswith(PROOF_HEADER):
            raise Wrong(name, None, "this is an inclusion proof of a version that is not known")
        given.proofs.append(read_proof(case, name, _small(path)))
    elif begins.startswith(b"old "):
        given.consistencies.append(read_consistency(case, name, _small(path)))
    else:
        given.checkpoints.append(case.opened(name, _small(path)))


def provenance(case: Case, given: Given, name: str, text: bytes) -> None:
    """Reads a bundle of format muniment-provenance-1. Raises Wrong, Unreadable."""
    try:
        fields = _object(text)
    except (ValueError, RecursionError) as fault:
        raise Wrong(name, None, f"this is not a JSON object: {fault}") from fault
    if fields.get("format") != PROVENANCE_FORMAT:
        raise Wrong(name, None, f"this is JSON, but not of the format {PROVENANCE_FORMAT}")
    if fields.keys() - {"before"} != {"format", "checkpoints", "entries", "answer"}:
        raise Wrong(
            name, None, "a provenance bundle has format, checkpoints, entries, answer, perhaps before, and nothing else"
        )
    texts = _texts(name, fields["checkpoints"])
    origins = [text.partition(b"\n")[0] for text in texts]
    if len(origins) != 2 or origins[0] + ISSUANCE.encode() != origins[1]:
        raise Wrong(name, None, "a provenance bundle has two checkpoints: of a log, and of its issuance log")
    notes = [case.opened(f"{name}, checkpoint {at}", note) for at, note in enumerate(texts)]
    entries = enumerate(_list(name, fields["entries"]))
    proofs = tuple(_provenance_entry(f"{name}, entry {at}", entry, notes) for at, entry in entries)
    before = _list(name, fields["before"]) if "before" in fields else []
    given.bundles.append(Bundle(name, proofs, fields["answer"], before))
    given.proofs += proofs


def _provenance_entry(where: str, value: Any, notes: Sequence[Checkpoint]) -> Proof:
    found = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
    tree, position, encoded, long = (found.get(name) for name in ("tree", "position", "entry", "data"))
    if (
        found.keys() - {"data"} != {"tree", "position", "entry", "proof"}
        or type(position) is not int
        or not 0 < position < 2**63
    ):
        raise Wrong(where, None, "an entry has tree, position, entry and proof")
    checkpoint = next((note for note in notes if note.log == tree), None)
    entry = from_base64(encoded) if isinstance(encoded, str) else None
    if checkpoint is None or entry is None:
        raise Wrong(where, position, "the tree is `events` or `issuance`, and the entry is base64")
    data = from_base64(long) if isinstance(long, str) else None
    if "data" in found and (data is None or not entry.endswith(as_field(data, -1))):
        raise Wrong(where, position, "its data is not that of which the entry has the hash")
    path = [line.decode() for line in _texts(where, found["proof"])]
    return Proof(where, position - 1, _path(where, path), checkpoint, entry, data)


def _list(where: str, value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise Wrong(where, None, "a list is missing here")
    return cast("list[Any]", value)


def _texts(where: str, value: Any) -> list[bytes]:
    texts = _list(where, value)
    if not all(isinstance(text, str) for text in texts):
        raise Wrong(where, None, "this list has something other than texts")
    return [str(text).encode(errors="replace") for text in texts]


def attempt(case: Case, step: Any, *arguments: Any) -> Any:
    """Takes a step; what goes wrong is reported, and does not keep the others from being taken."""
    try:
        return step(*arguments)
    except Wrong as fault:
        case.report.wrong.append(fault)
    except Unreadable as fault:
        case.report.unreadable.append(fault)
    except OSError as fault:
        case.report.unreadable.append(
            Unreadable(str(fault.filename or "a file"), fault.strerror or "it cannot be read")
        )
    return None


def judge(case: Case, names: Sequence[str], entries: Sequence[str]) -> None:
    """Verifies all that was given, and fills the report."""
    given = Given()
    for name in names:
        attempt(case, recognize, case, given, name)
    case.wanted |= {(proof.checkpoint.log, proof.index + 1) for proof in given.proofs}
    for name in entries:
        attempt(case, _offer_file, case, name)
    for name in given.exports:
        attempt(case, _export, case, name)
    for home, named in given.trees.items():
        attempt(case, Tiles(home, case, named).verify)
    verified = [proof for proof in given.proofs if _proved(case, proof)]
    steps = [proof for proof in given.consistencies if _proved(case, proof)]
    _connect(case, steps)
    _conclude_exports(case)
    _conclude_checkpoints(case, given, steps)
    _conclude_answers(case, given, verified)


def _proved(case: Case, proof: Proof | Consistency) -> bool:
    sentence = attempt(case, proof.verify, case)
    case.report.proved += [sentence] if sentence else []
    return bool(sentence)


def _connect(case: Case, steps: Sequence[Consistency]) -> None:
    """Adds to the checkpoints that were met those that consistency proofs lead to from them."""
    for _ in steps:
        for step in steps:
            met = case.connected.get(step.checkpoint.origin, set())
            if met & {step.old, step.checkpoint.size}:
                met |= {step.old, step.checkpoint.size}


def _conclude_exports(case: Case) -> None:
    """Says what each export proves. A later export that begins where one ends covers it, too."""
    later: list[Range] = []
    for found in sorted(case.ranges, key=lambda each: -each.end[0]):
        following = [each for each in later if (each.log, each.start[0]) == (found.log, found.end[0])]
        if any(each.start[1] != found.end[1] for each in following):
            case.report.wrong.append(
                Wrong(
                    found.where,
                    found.end[0],
                    f"the chain value at its end is not the one at which {following[0].where} begins",
                )
            )
        covered = any((each.proved or 0) > each.start[0] for each in following)
        later.append(replace(found, proved=found.end[0]) if covered else found)
    for found in reversed(later):
        _conclude_export(case, found)


def _conclude_export(case: Case, found: Range) -> None:
    first, last = found.start[0] + 1, found.end[0]
    what = "events" if found.log == "events" else "tokens"
    if found.proved is None or found.proved < first:
        why = "no checkpoint lies within it, or at its end" + (
            f", that {case.keys.quorum} of the witnesses cosigned" if case.keys.quorum else ""
        )
        case.report.unreadable.append(
            Unreadable(
                found.where,
                f"nothing of it can be proved: {why}. That its lines agree with each other proves nothing: anybody can compute the hashes",
            )
        )
        return
    how = "by the chain and by the root of the Merkle tree" if found.whole_tree else "by the chain"
    case.report.proved.append(
        f"{found.where}: the {found.proved - first + 1:,} {what} at positions {first} to {found.proved} are exactly those that {found.origin} signed ({how}): nothing was removed, added, reordered or changed."
    )
    if found.proved < last:
        case.report.unproved.append(
            f"{found.where}: the {what} at positions {found.proved + 1} to {last} come after the last checkpoint. They agree with each other, but nobody signed them."
        )
    if first > 1:
        case.report.unproved.append(
            f"{found.where}: what was before position {first}. The chain value there stands for it, but does not show it."
        )


def _conclude_checkpoints(case: Case, given: Given, steps: Sequence[Consistency]) -> None:
    compared = {found.origin: found for found in case.ranges}
    for checkpoint in given.checkpoints:
        met = case.connected.get(checkpoint.origin, set())
        if checkpoint.origin in compared and checkpoint.size not in met and not case.report.wrong:
            found = compared[checkpoint.origin]
            what = f"no export connects this checkpoint with the others: {found.where} has positions {found.start[0] + 1} to {found.end[0]}. What is between is missing, or was removed"
            case.report.wrong.append(Wrong(checkpoint.where, checkpoint.size, what))
        case.report.proved.insert(0, _signed(checkpoint))
    for origin, known in sorted(case.checkpoints.items()):
        stepped = {
            size for step in steps if step.checkpoint.origin == origin for size in (step.old, step.checkpoint.size)
        }
        loose = sorted(known.keys() - case.connected.get(origin, set()) - stepped)
        if len(known) > 1 and loose:
            sizes = ", ".join(map(str, loose))
            case.report.unproved.append(
                f"{origin}: that the checkpoints of size {sizes} are of one history with the others. A consistency proof, or an export over them, proves it."
            )
        case.report.unproved.append(
            f"{origin}: what happened after position {max(known)}. A checkpoint proves nothing about what came after it."
        )
        if not any(checkpoint.witnesses for checkpoint in known.values()):
            case.report.unproved.append(
                f"{origin}: that everybody is shown this same history. No witness that was named cosigned it; the log's operator could sign another one for others."
            )
    if case.report.proved:
        case.report.unproved.append(
            "That what was recorded is true. The log proves what was recorded, and when and in which order the log says it was."
        )


def _signed(checkpoint: Checkpoint) -> str:
    chain = f", chain {checkpoint.chain.hex()}" if checkpoint.chain else ""
    seen = "".join(
        f"; {printable(name)} cosigned it at {moment_of(seconds * 1_000_000)}" for name, seconds in checkpoint.witnesses
    )
    return f"{checkpoint.where}: {printable(checkpoint.origin)} signed that its log had {checkpoint.size:,} entries (root {b64encode(checkpoint.root).decode()}{chain}){seen}."


def _conclude_answers(case: Case, given: Given, verified: Sequence[Proof]) -> None:
    proved = set(map(id, verified))
    for bundle in given.bundles:
        if proved.issuperset(map(id, bundle.proofs)):
            attempt(case, _conclude_answer, case, bundle)


def _conclude_answer(case: Case, bundle: Bundle) -> None:
    """Compares an answer with the one that its entries prove. Raises Wrong, Unreadable."""
    name = bundle.where
    relied = relied_on_by(bundle)
    right = derived(relied)
    faults = list(differences(bundle.answer, right))
    faults += differences(bundle.before, [derived(each) for each in relied.chain[1:]], "before")
    case.report.wrong += [Wrong(name, position, f"{path} {what}") for path, position, what in faults[:MOST_FAULTS]]
    if len(faults) > MOST_FAULTS:
        what = f"the answer differs from the entries in {len(faults) - MOST_FAULTS:,} more fields"
        case.report.wrong.append(Wrong(name, None, what))
    if faults:
        return
    case.report.proved.append(
        f"{name}: each field of the answer about the token {relied.token.jti} is what these {len(bundle.proofs):,} entries say."
    )
    for each in relied.chain[1:]:
        case.report.proved.append(
            f"{name}: it was exchanged from the token {each.token.jti}, about which each field is proved, too."
        )
    case.report.unproved += [f"{name}: {each}." for each in _assumed(right, relied.client[-1].event.version)]


def relied_on_by(bundle: Bundle) -> Relied:
    """Returns what the entries of a bundle, all of which are proved, say. Raises Wrong."""
    entries = [_with_data(read_entry(proof.where, proof.extra), proof) for proof in bundle.proofs if proof.extra]
    return relied_on(bundle.where, entries)


def _with_data(entry: Entry, proof: Proof) -> Entry:
    return entry if proof.data is None else replace(entry, content=replace(entry.content, data=proof.data))


def _assumed(answer: Shown, last: int) -> Iterator[str]:
    """Yields what no entry can prove: that something did not happen. `last` is the client's last version in the bundle."""
    yield (
        "that nothing else happened: no entry can show that. What followed in a stream may be left out, such as what disabled the client "
        f"after version {last} of its stream, or what revoked the secret, the authorization or the token"
    )
    for scope in answer["scopes"]:
        if not scope["given"]:
            yield f"who gave the scope {scope['scope']}: no entry says it"
    if answer["bot"] and not answer["bot"]["events"]:
        yield f"that {answer['bot']['id']} is not a bot that is registered here: no entry is of it"
    login = answer["login"]
    if login and login["exchanged"] is None and "assertedBy" not in login and "exchangedFrom" not in answer:
        yield "that the token was not issued by an exchange of the authorization: no entry is of one"


def _offer_file(case: Case, name: str) -> None:
    entry = read_entry(name, _small(Path(name)))
    if (entry.log, entry.position) not in case.wanted:
        raise Unreadable(name, f"it is the entry of position {entry.position}, and no proof of that position was given")
    case.entries[entry.log, entry.position] = entry


def _export(case: Case, name: str) -> None:
    if name == "-":
        case.ranges.append(Export("stdin", case).read(cast("BufferedReader", sys.stdin.buffer)))
        return
    with Path(name).open("rb") as file:
        case.ranges.append(Export(name, case).read(file))


def as_text(report: Report) -> str:
    """Returns the report as sentences."""
    parts = [f"NOT what was signed: {fault}." for fault in report.wrong]
    parts += [f"Cannot be verified: {fault}." for fault in report.unreadable]
    if report.proved and not report.wrong:
        parts += ["Proved:", *(f"- {sentence}" for sentence in report.proved)]
    if report.unproved and not report.wrong:
        parts += ["Not proved:", *(f"- {sentence}" for sentence in report.unproved)]
    return "".join(f"{printable(part)}\n" for part in parts)


def as_json(report: Report) -> str:
    return json.dumps(
        {
            "ok": report.status == 0,
            "proved": report.proved,
            "not_proved": report.unproved,
            "wrong": [{"file": fault.where, "position": fault.position, "fault": fault.what} for fault in report.wrong],
            "unreadable": [{"file": fault.where, "fault": fault.what} for fault in report.unreadable],
        },
        indent=2,
    )


class _Formats(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        sys.stdout.write(FORMATS)
        parser.exit()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="muniment-verify", description=ABOUT, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("files", nargs="+", metavar="FILE", help="what to verify; its content says of which kind it is")
    add(
        "--key",
        action="append",
        required=True,
        metavar="VKEY",
        help="a verifier key of the log, or a file of them, one a line (/log/key); get it from someone you trust, not from the export",
    )
    add("--witness", action="append", default=[], metavar="VKEY", help="a verifier key of a witness, or a file of them")
    add(
        "--quorum",
        type=int,
        default=0,
        metavar="N",
        help="each checkpoint counts only if N of the witnesses cosigned it",
    )
    add(
        "--entry",
        action="append",
        default=[],
        metavar="FILE",
        help="the bytes of an entry that an inclusion proof is about",
    )
    add(
        "--json",
        action="store_true",
        help="for scripts: ok, proved, not_proved, wrong (file, position, fault), unreadable",
    )
    add("--formats", action=_Formats, nargs=0, help="print how entries, leaves and chain values are computed, and exit")
    return parser


def main(words: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(words)
    report = Report()
    try:
        case = Case(_keys(options), report)
    except Wrong as fault:
        report.wrong.append(fault)
    except Unreadable as fault:
        report.unreadable.append(fault)
    else:
        judge(case, options.files, options.entry)
    sys.stdout.flush()
    sys.stdout.buffer.write((f"{as_json(report)}\n" if options.json else as_text(report)).encode())
    return report.status


def _keys(options: argparse.Namespace) -> Keys:
    """Raises Wrong, Unreadable."""
    logs = [key for value in options.key for key in keys_in(value, of_witness=False)]
    witnesses = [key for value in options.witness for key in keys_in(value, of_witness=True)]
    if not 0 <= options.quorum <= len(witnesses):
        raise Unreadable(
            "--quorum", f"it is a number from 0 to {len(witnesses)}, the number of witnesses that were named"
        )
    return Keys(tuple(logs), tuple(witnesses), options.quorum)


if __name__ == "__main__":
    sys.exit(main())

"""A small log with its trees and signatures, made by the definitions alone, so that verifiers are tested against no code of ours."""

import json
import struct
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.rules.test_tree import mth, path, subproof

ORIGIN = "https://auth.example.com"
WITNESS = "witness.example/w1"
SEEN_AT = 1_770_000_000
_KEYS = {name: Ed25519PrivateKey.from_private_bytes(sha256(name.encode()).digest()) for name in (ORIGIN, WITNESS)}
_STREAM = UUID("0192f3a1-c5d8-7cc4-a1b2-c3d4e5f60718")
_BEGAN = datetime(2026, 3, 3, 14, 2, tzinfo=UTC)


def vkey(name: str, kind: int = 1) -> str:
    public = bytes([kind]) + _private(name).public_key().public_bytes_raw()
    return f"{name}+{_key_id(name, kind).hex()}+{b64encode(public).decode()}"


def _private(name: str) -> Ed25519PrivateKey:
    return _KEYS.setdefault(name, _KEYS[ORIGIN])


def _key_id(name: str, kind: int) -> bytes:
    return sha256(f"{name}\n".encode() + bytes([kind]) + _private(name).public_key().public_bytes_raw()).digest()[:4]


def signed(text: str, name: str = ORIGIN) -> str:
    return _line(name, _key_id(name, 1) + _private(name).sign(text.encode()))


def cosigned(text: str, name: str = WITNESS, at: int = SEEN_AT) -> str:
    message = f"cosignature/v1\ntime {at}\n{text}".encode()
    return _line(name, _key_id(name, 4) + at.to_bytes(8, "big") + _private(name).sign(message))


def _line(name: str, value: bytes) -> str:
    return f"— {name} {b64encode(value).decode()}\n"


def as_field(value: bytes, most: int) -> bytes:
    return (
        struct.pack(">i", len(value)) + value if len(value) <= most else struct.pack(">i", -1) + sha256(value).digest()
    )


def leaf_of(entry: bytes) -> bytes:
    return sha256(b"\0" + entry).digest()


@dataclass
class SignedLog:
    """Events in batches of these sizes, or, as issuance, tokens."""

    batches: Sequence[int]
    issuance: bool = False
    entries: list[bytes] = field(default_factory=list[bytes])
    chains: dict[int, bytes] = field(default_factory=dict[int, bytes])
    lines: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    def __post_init__(self) -> None:
        self.chains[0] = sha256(b"genesis").digest()
        for number, count in enumerate(self.batches):
            self._append(number, count)

    @property
    def origin(self) -> str:
        return f"{ORIGIN}/issuance" if self.issuance else ORIGIN

    @property
    def leaves(self) -> list[bytes]:
        return [leaf_of(entry) for entry in self.entries]

    def _append(self, number: int, count: int) -> None:
        moment = _BEGAN + timedelta(seconds=number, microseconds=number % 2 * 4096)
        microseconds = round((moment - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1))
        written = moment.isoformat().replace("+00:00", "Z")
        first, leaves = len(self.entries) + 1, b""
        for position in range(first, first + count):
            leaves += (self._token if self.issuance else self._event)(position, microseconds, written)
        root, last = sha256(leaves).digest(), first + count - 1
        chain = sha256(self.chains[first - 1] + struct.pack(">qqq", first, last, microseconds) + root).digest()
        self.chains[last] = chain
        self.lines.append(
            {"line": "batch", "last_position": last, "first_position": first, "recorded_at": written}
            | {"root": root.hex(), "chain": chain.hex()}
        )

    def _event(self, position: int, microseconds: int, written: str) -> bytes:
        meta = b'{"actor":{"by":"client","client_id":"ada","sub":"ada"},"request_id":"r%d"}' % position
        data = json.dumps({"name": f"caf\u00e9\u0085 {position}"}, ensure_ascii=False).encode()
        kind = b"client.renamed"
        head = _STREAM.bytes + struct.pack(">ihH", position, 1, len(kind)) + kind
        self.entries.append(
            b"muniment-event-1\n"
            + struct.pack(">qq", position, microseconds)
            + head
            + as_field(meta, 12288)
            + as_field(data, 49152)
        )
        leaf = sha256(b"\0" + head + struct.pack(">i", len(meta)) + meta + data).digest()
        told = {
            "line": "event",
            "position": position,
            "recorded_at": written,
            "stream_id": str(_STREAM),
            "version": position,
        }
        told |= {
            "schema_ver": 1,
            "type": kind.decode(),
            "leaf": leaf.hex(),
            "meta": meta.decode(),
            "data": data.decode(),
        }
        self.lines.append(told)
        return leaf

    def _token(self, position: int, microseconds: int, written: str) -> bytes:
        ids = [UUID(int=number + (position << 32)) for number in (1, 2, 3)]
        head, data = b"".join(each.bytes for each in ids), b'{"sub":"bot"}'
        self.entries.append(
            b"muniment-token-1\n" + struct.pack(">qq", position, microseconds) + head + as_field(data, 49152)
        )
        leaf = sha256(b"\0" + head + data).digest()
        client, secret, jti = map(str, ids)
        told = {
            "line": "token",
            "position": position,
            "issued_at": written,
            "client": client,
            "secret": secret,
            "jti": jti,
        }
        self.lines.append({**told, "data": data.decode(), "leaf": leaf.hex()})
        return leaf

    def checkpoint(self, size: int, *, cosigned_by: str | None = None, root: bytes | None = None) -> bytes:
        text = f"{self.origin}\n{size}\n{b64encode(root or mth(self.leaves[:size])).decode()}\nchain {self.chains[size].hex()}\n"
        return f"{text}\n{signed(text, self.origin)}{cosigned(text, cosigned_by) if cosigned_by else ''}".encode()

    def export(self, first: int = 1, last: int | None = None, *, checkpoints: Sequence[int] = ()) -> bytes:
        last = len(self.entries) if last is None else last
        form = "muniment-issuance-1" if self.issuance else "muniment-log-1"
        told: list[dict[str, Any]] = [{"line": "start", "format": form, **self._place(first - 1)}]
        for line in self.lines:
            if first <= _position(line) <= last:
                told.append(line)
                if line.get("last_position") in checkpoints:
                    told.append({"line": "checkpoint", "note": self.checkpoint(line["last_position"]).decode()})
        return as_lines([*told, {"line": "end", **self._place(last)}])

    def _place(self, position: int) -> dict[str, Any]:
        return {"position": position, "chain": self.chains[position].hex()}

    def inclusion(self, position: int, size: int, *, with_entry: bool = False, cosigned_by: str | None = None) -> bytes:
        extra = f"extra {b64encode(self.entries[position - 1]).decode()}\n" if with_entry else ""
        hashes = path(position - 1, self.leaves[:size])
        return (
            f"c2sp.org/tlog-proof@v1\n{extra}index {position - 1}\n{hash_lines(hashes)}\n".encode()
            + self.checkpoint(size, cosigned_by=cosigned_by)
        )

    def consistency(self, old: int, new: int, *, cosigned_by: str | None = None) -> bytes:
        return f"old {old}\n{hash_lines(subproof(old, self.leaves[:new]))}\n".encode() + self.checkpoint(
            new, cosigned_by=cosigned_by
        )

    def write_tiles(self, home: Path, size: int) -> None:
        """Writes what C2SP tlog-tiles has for a tree of this size."""
        level, hashes = 0, self.leaves[:size]
        while hashes:
            for number in range(-(-len(hashes) // 256)):
                _write_tile(home, str(level), number, hashes[number * 256 : (number + 1) * 256])
            span = 256 ** (level + 1)
            hashes = [mth(self.leaves[at * span : (at + 1) * span]) for at in range(size // span)]
            level += 1
        for number in range(-(-size // 256)):
            some = self.entries[number * 256 : min(size, (number + 1) * 256)]
            _write_tile(home, "entries", number, [struct.pack(">H", len(entry)) + entry for entry in some])
        (home / "checkpoint").write_bytes(self.checkpoint(size))


def _position(line: dict[str, Any]) -> int:
    return line["last_position" if line["line"] == "batch" else "position"]


def _write_tile(home: Path, level: str, number: int, values: Sequence[bytes]) -> None:
    assert number < 1000
    file = home / "tile" / level / f"{number:03}"
    file = file if len(values) == 256 else file.with_name(f"{file.name}.p") / str(len(values))
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"".join(values))


def hash_lines(hashes: Sequence[bytes]) -> str:
    return "".join(f"{b64encode(each).decode()}\n" for each in hashes)


def as_lines(lines: Sequence[dict[str, Any]]) -> bytes:
    """Writes as the export does: without spaces, and what a terminal obeys as an escape."""
    written = "".join(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n" for line in lines)
    return written.replace("\x85", "\\u0085").encode()

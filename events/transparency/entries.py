r"""The entries of the two trees. An entry is the canonical bytes of one row: nothing that is stored of the row is left out.

entry of an event = "muniment-event-1\n" || position || recorded_at || stream || version || schema version
                    || length and text of the type || field(meta, 12288) || field(data, 49152)
entry of a token  = "muniment-token-1\n" || position || issued_at || client || secret || jti || field(data, 49152)
field(x, most)    = length || x, or, if x is longer than `most`, -1 || sha256(x)

Integers are big-endian and of fixed size; times are microseconds since 1970 (UTC). A long field is hashed because an entry must fit
the 16-bit length of a C2SP entry bundle. Postgres hashes the entries for the trees, by EVENT_LEAF and TOKEN_LEAF; a test compares both.
"""

import struct
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import UUID

MOST_META = 12288
MOST_DATA = 49152

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_EVENT = struct.Struct(">qq16sihH").pack
_TOKEN = struct.Struct(">qq16s16s16s").pack
_INT4 = struct.Struct(">i").pack
_HASHED = _INT4(-1)


def event_entry(
    *,
    position: int,
    recorded_at: datetime,
    stream: UUID,
    version: int,
    schema_version: int,
    kind: str,
    meta: bytes,
    data: bytes,
) -> bytes:
    tag = kind.encode()
    head = _EVENT(position, _microseconds(recorded_at), stream.bytes, version, schema_version, len(tag))
    return b"muniment-event-1\n" + head + tag + _field(meta, MOST_META) + _field(data, MOST_DATA)


def token_entry(*, position: int, issued_at: datetime, client: UUID, secret: UUID, jti: UUID, data: bytes) -> bytes:
    head = _TOKEN(position, _microseconds(issued_at), client.bytes, secret.bytes, jti.bytes)
    return b"muniment-token-1\n" + head + _field(data, MOST_DATA)


def leaf_hash(entry: bytes) -> bytes:
    """Returns the hash of a leaf (RFC 6962 section 2.1)."""
    return sha256(b"\0" + entry).digest()


def bundle(entries: Iterable[bytes]) -> bytes:
    """Returns an entry bundle (C2SP tlog-tiles): each entry after its length in two bytes."""
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def _field(value: bytes, most: int) -> bytes:
    return _INT4(len(value)) + value if len(value) <= most else _HASHED + sha256(value).digest()


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def _sql_field(column: str, most: int) -> str:
    return f"case when octet_length({column}) <= {most} then int4send(octet_length({column})) || {column} else int4send(-1) || sha256({column}) end"


def _sql_time(column: str) -> str:
    return f"int8send((extract(epoch from {column}) * 1000000)::bigint)"


# An expression in the query, and no function: a call for each row costs more than the hash.
EVENT_LEAF = f"""
sha256('\\x00'::bytea || 'muniment-event-1\\012'::bytea || int8send(position) || {_sql_time("recorded_at")} || uuid_send(stream_id)
       || int4send(version) || int2send(schema_ver) || int2send(octet_length(type)::smallint) || convert_to(type, 'UTF8')
       || ({_sql_field("meta", MOST_META)}) || ({_sql_field("data", MOST_DATA)}))
"""
TOKEN_LEAF = f"""
sha256('\\x00'::bytea || 'muniment-token-1\\012'::bytea || int8send(position) || {_sql_time("issued_at")} || uuid_send(client)
       || uuid_send(secret) || uuid_send(jti) || ({_sql_field("data", MOST_DATA)}))
"""

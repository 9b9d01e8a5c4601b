"""The ids of clients, bots and APIs, and their streams. Each is computed from the other, without a table."""

import re
from functools import lru_cache
from uuid import UUID

from events.naming import is_named, is_named_hex, stream_named
from events.uuids import uuid_of_hex

CLIENT_ID_PREFIX = "oauth_client_"
BOT_ID_PREFIX = "bot_"
API_ID_PREFIX = "api_"
LONGEST_CLIENT_ID = 255

_our_client = re.compile(rf"{CLIENT_ID_PREFIX}([0-9a-f]{{32}})").fullmatch
_our_bot = re.compile(rf"{BOT_ID_PREFIX}([0-9a-f]{{32}})").fullmatch
_document = re.compile(r"https://[!-\"$-~]{1,247}").fullmatch
_our_api = re.compile(rf"{API_ID_PREFIX}([0-9a-f]{{32}})").fullmatch
_importable = re.compile(rf"(?!{CLIENT_ID_PREFIX})[!-.0-~]{{1,255}}", re.IGNORECASE).fullmatch


def client_id_of(stream: UUID) -> str:
    """Returns the client_id of a stream. For the stream of an imported client_id, this is the stream's UUID."""
    digits = stream.hex
    return str(stream) if is_named_hex(digits) else f"{CLIENT_ID_PREFIX}{digits}"


def client_id_in_sql(stream: str) -> str:
    """Returns the SQL term for `client_id_of` of a column with streams: a named stream is a UUID of version 8."""
    ours = f"'{CLIENT_ID_PREFIX}' || replace({stream}::text, '-', '')"
    return f"case substr({stream}::text, 15, 1) when '8' then {stream}::text else {ours} end"


def client_stream(client_id: str) -> UUID | None:
    """Returns the stream of a client_id, or None if the text does not have the form of a client_id."""
    # What strangers send may have 64 KiB: thousands of such texts are not remembered.
    return _remembered_stream(client_id) if len(client_id) <= LONGEST_CLIENT_ID else None


@lru_cache(maxsize=4096)
def _remembered_stream(client_id: str) -> UUID | None:
    if ours := _our_client(client_id):
        stream = uuid_of_hex(ours[1])
        return None if is_named(stream) else stream  # Otherwise an imported client would have two ids.
    # An id that can be imported has no `/` and the URL of a document has, so the two never name the same stream.
    named = is_importable(client_id) or is_document(client_id)
    return stream_named(b"client", client_id.encode()) if named else None


def is_ours(client_id: str) -> bool:
    """Returns whether the text has the form of a client_id that this server made."""
    return _our_client(client_id) is not None


def is_importable(client_id: str) -> bool:
    """Returns whether a client can be imported under this id: printable, without `/`, and not in the form of our own ids."""
    return _importable(client_id) is not None


def is_document(client_id: str) -> bool:
    """Returns whether the text has the form of a client_id that is the URL of a metadata document: https, at most 255 characters.

    Not each of these can have a document; what a URL lacks, such as a path, is said when it is asked for.
    """
    return _document(client_id) is not None


def path_id(client_id: str) -> str:
    """Returns what names the client in a path: its client_id, or, because a URL has slashes, our prefix and the stream of a document."""
    stream = client_stream(client_id) if is_document(client_id) else None
    return client_id if stream is None else f"{CLIENT_ID_PREFIX}{stream.hex}"


def stream_in_path(text: str) -> UUID | None:
    """Returns the stream of the client that a path names, or None if the text does not have the form."""
    ours = _our_client(text)
    return uuid_of_hex(ours[1]) if ours else client_stream(text)


def bot_id_of(stream: UUID) -> str:
    return f"{BOT_ID_PREFIX}{stream.hex}"


def bot_stream(bot_id: str) -> UUID | None:
    """Returns the stream of a bot's id, or None if the id does not have the form of our own ids."""
    ours = _our_bot(bot_id)
    return uuid_of_hex(ours[1]) if ours else None


def api_id_of(stream: UUID) -> str:
    return f"{API_ID_PREFIX}{stream.hex}"


def api_stream(api_id: str) -> UUID | None:
    """Returns the stream of an API's id, or None if the id does not have the form of our own ids."""
    ours = _our_api(api_id)
    return uuid_of_hex(ours[1]) if ours else None

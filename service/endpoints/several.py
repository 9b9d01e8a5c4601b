"""The filter `ids` of lists: only these, with spaces between them. An id that the list does not have is no fault."""

from uuid import UUID

from events.ids import client_stream
from events.naming import is_named
from service.endpoints import paging
from service.endpoints.paging import PageRequest
from service.values.uuids import uuid_of

IDS = "ids"
MOST_IDS = 200


def check(text: str) -> str | None:
    """Return what is wrong with the filter, or None."""
    return f"must be at most {MOST_IDS} ids, with spaces between them" if len(text.split()) > MOST_IDS else None


def ids(page: PageRequest) -> list[str] | None:
    """Return the ids that are asked for, or None. The past cannot be asked by them. Raises Invalid."""
    if IDS not in page.filters:
        return None
    if page.position is not None:
        raise paging.invalid({IDS: [paging.NOT_OF_THE_PAST]})
    return page.filters[IDS].split()


def uuids(texts: list[str]) -> list[UUID]:
    """Return those that are UUIDs."""
    return [found for found in map(uuid_of, texts) if found is not None]


def client_streams(texts: list[str]) -> list[UUID]:
    """Return the streams of these clients. Events name an imported client by its stream, and so may these."""
    streams = [stream for stream in map(client_stream, texts) if stream is not None]
    return [*streams, *filter(is_named, uuids(texts))]

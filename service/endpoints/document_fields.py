"""The fields of a client whose clientId is the URL of its metadata document."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from msgspec import Meta, Struct

from events.ids import path_id
from projections.clients import Row
from projections.listed_clients import Listed


class MetadataDocument(Struct, frozen=True, kw_only=True, rename="camel"):
    """The client-id metadata document at the URL that is the clientId, as it was last seen."""

    sha256: Annotated[str, Meta(description="The SHA-256 of its bytes, in hex.", pattern="^[0-9a-f]{64}$")]
    since_utc: Annotated[datetime, Meta(tz=True, description="Since when it has these bytes here.")]


PathId = Annotated[
    str,
    Meta(
        description="What names the client in the paths of this API. Only where its clientId is the URL of a document."
    ),
]


def shown_document(row: Row | Listed) -> Mapping[str, Any]:
    """Return the fields; none for any other client."""
    if row.document is None:
        return {}
    document = MetadataDocument(sha256=row.document.digest, since_utc=row.document.at)
    return {"path_id": path_id(row.client_id), "metadata_document": document}

"""The client-id metadata document of a client whose client_id is the document's URL (draft-ietf-oauth-client-id-metadata-document)."""

from datetime import datetime

from msgspec import Struct

from events.client_registration import About


class Document(Struct, frozen=True, kw_only=True, gc=False):
    """`digest` is the SHA-256 (hex) of the document's bytes, which it has had since `at`. `redirect_uris_at` is when its redirect URIs
    last changed: consents that are older were given to another set of them.
    """

    digest: str
    about: About
    at: datetime
    redirect_uris_at: datetime


class ClientDocumentSeen(Struct, frozen=True, kw_only=True, gc=False, tag="client.document_seen"):
    """The document at the URL is new, or has other bytes than `was`, the one before. `changed` names the members that differ.

    The settings that follow from it are in the events that are appended with this one.
    """

    url: str
    document: Document
    was: str | None
    changed: tuple[str, ...]

"""A client that is named by the URL of its metadata document asks for an authorization."""

from service.client_documents import NoDocument
from service.grants.refusal_events import LONGEST_WHY, record_refusal
from service.oauth.errors import Shown
from service.resources import Resources


class UnusableDocument(Shown):
    """The document cannot be used, so nobody knows what the client may have: nothing is sent to the redirect URI of the request."""

    def __init__(self, why: str) -> None:
        super().__init__(
            "The metadata document of this client cannot be used",
            why,
            "The application's developer can correct it. Then start again from the application.",
        )


async def see_document(resources: Resources, client_id: str, address: str) -> None:
    """Make sure that the client is known as its document is now (draft-ietf-oauth-client-id-metadata-document section 5).

    A refusal in the name of a client that is known is recorded. Raises UnusableDocument.
    """
    try:
        await resources.documents.see(client_id, address)
    except NoDocument as fault:
        found = await resources.lookup.named(client_id)
        if found is not None:
            why = f"its metadata document cannot be used: {fault.why}"
            await record_refusal(resources, client_id, found, why[:LONGEST_WHY], address)
        raise UnusableDocument(fault.why) from fault

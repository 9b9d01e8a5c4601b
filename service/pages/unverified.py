"""What the consent page says of a client that nobody has verified: one that registered itself, or that is a document at a URL."""

from urllib.parse import urlsplit

from msgspec import Struct

from service.lookup import Seen


class Unverified(Struct, frozen=True, kw_only=True):
    """`document` is the host that the client's metadata comes from, if it does, and `website` the host of its client_uri, if that is
    another. The client itself chose the pages.
    """

    document: str | None
    website: str | None
    policy_uri: str | None
    tos_uri: str | None


def unverified(seen: Seen | None) -> Unverified | None:
    """Return None for a client that its owner or an operator registered, and for one that an operator has made first-party since."""
    if seen is None or (seen.client.login is not None and seen.client.login.first_party):
        return None
    source = seen.client.self_registered
    if source is None:
        return None
    document = None if seen.client.document is None else urlsplit(seen.client.client_id).netloc
    website = urlsplit(source.about.client_uri or "").netloc
    return Unverified(
        document=document,
        website=None if website == document else website or None,
        policy_uri=source.about.policy_uri,
        tos_uri=source.about.tos_uri,
    )

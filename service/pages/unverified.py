"""What the consent page says of a client that nobody has verified: one that registered itself, or that is a document at a URL."""

from urllib.parse import urlsplit

from msgspec import Struct

from service.lookup import Seen


class Unverified(Struct, frozen=True, kw_only=True):
    """`document` is the host that the client's metadata comes from, if it does, and `website` the host of its client_uri, if that is
    another. The client itself chose the pages. `logo_uri` is fetched by this server only (service/client_logos.py).
    """

    document: str | None
    website: str | None
    client_uri: str | None
    policy_uri: str | None
    tos_uri: str | None
    logo_uri: str | None


def unverified(seen: Seen | None) -> Unverified | None:
    """Return None for a client that its owner or an operator registered, and for one that an operator has made first-party since."""
    if seen is None or (seen.client.login is not None and seen.client.login.first_party):
        return None
    source = seen.client.self_registered
    if source is None:
        return None
    document = None if seen.client.document is None else urlsplit(seen.client.client_id).netloc
    about = source.about
    website = urlsplit(about.client_uri or "").netloc
    return Unverified(
        document=document,
        website=None if website == document else website or None,
        client_uri=about.client_uri,
        policy_uri=about.policy_uri,
        tos_uri=about.tos_uri,
        logo_uri=about.logo_uri if (about.logo_uri or "").lower().startswith("https:") else None,
    )

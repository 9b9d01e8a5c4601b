"""What happened to trusted issuers, and exchanges of tokens, in sentences."""

from collections.abc import Sequence

from events.exchange import TokenExchanged
from events.trusted_issuer import (
    Keys,
    KeysAt,
    KeysDiscovered,
    KeysGiven,
    Trust,
    TrustedIssuerChanged,
    TrustedIssuerDeleted,
    TrustedIssuerDisabled,
    TrustedIssuerEnabled,
    TrustedIssuerEvent,
    TrustedIssuerRegistered,
)
from service.values.text import counted


def what(event: TrustedIssuerEvent | TokenExchanged) -> str:
    """The event in a sentence."""
    match event:
        case TokenExchanged():
            return exchanged(event)
        case TrustedIssuerRegistered():
            return f"the tokens of {event.issuer} are trusted: {terms(event.trust)}"
        case TrustedIssuerChanged():
            return f"trusted otherwise: {terms(event.trust)}; before: {terms(event.was)}"
        case TrustedIssuerDisabled():
            return "trusted no more until it is enabled"
        case TrustedIssuerEnabled():
            return "trusted again"
        case TrustedIssuerDeleted():
            return f"the tokens of {event.issuer} are trusted no more"


def exchanged(event: TokenExchanged) -> str:
    what = "an identity assertion" if event.kind == "id_jag" else "token"
    actor = f"{event.actor} acts for {event.sub}" if event.actor else f"as {event.sub}"
    return (
        f"{event.client_id} exchanged token {event.subject} of {event.subject_client} for {what} {event.jti}: {actor};"
        f" for {event.audience}; scopes {', '.join(event.scope.split()) or 'none'}"
    )


def terms(trust: Trust) -> str:
    users = "; users who are unknown here are registered" if trust.provisions else ""
    return (
        f'"{trust.name}", for {_all(trust.purposes)}; keys {keys(trust.keys)}; algorithms {_all(trust.algorithms)};'
        f" audiences {_all(trust.audiences) or 'this server'}{users}"
    )


def keys(source: Keys) -> str:
    match source:
        case KeysAt():
            return f"at {source.jwks_uri}"
        case KeysDiscovered():
            return "where its metadata says"
        case KeysGiven():
            return f"given here ({counted(len(source.keys), 'key')})"


def _all(values: Sequence[str]) -> str:
    return ", ".join(values)

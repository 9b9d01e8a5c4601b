"""What happened to trusted issuers, in sentences."""

from collections.abc import Sequence

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


def what(event: TrustedIssuerEvent) -> str:
    """The event in a sentence."""
    match event:
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

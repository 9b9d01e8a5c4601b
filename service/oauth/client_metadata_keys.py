"""The keys of a client in its metadata, with which it signs (RFC 7591 section 2). It has no I/O."""

from typing import Any, cast

from events.client_key import PublicKey
from service.commands.key import BY_KEY, MOST_KEYS
from service.oauth.client_keys import UnusableKey, parse
from service.oauth.client_metadata_members import Faults, Members


def keys_of(members: Members, method: str, *, has_keys: bool, faults: Faults) -> tuple[PublicKey, ...]:
    """Return the keys of `jwks` that sign. Those of a public client, and those that encrypt, are left out. `has_keys` says that the client
    has keys already, which stay if it names none.
    """
    if method == BY_KEY and members.jwks is None and not members.jwks_uri and not has_keys:
        faults.add("jwks", "or jwks_uri is required for private_key_jwt")
    if members.jwks is None or method == "none":
        return ()
    if members.jwks_uri:
        faults.add("jwks", "must not be sent together with jwks_uri")
    given = members.jwks.get("keys")
    signing = [each for each in cast("list[Any]", given) if not _encrypts(each)] if isinstance(given, list) else []
    if not signing or len(signing) > MOST_KEYS:
        faults.add("jwks", f"must have 1 to {MOST_KEYS} keys for signatures")
        return ()
    return tuple(key for number, each in enumerate(signing) if (key := _parsed(number, each, faults)))


def _encrypts(jwk: Any) -> bool:
    return isinstance(jwk, dict) and cast("dict[str, Any]", jwk).get("use") == "enc"


def _parsed(number: int, jwk: Any, faults: Faults) -> PublicKey | None:
    if not isinstance(jwk, dict):
        faults.add("jwks", f"[{number}] is not a JSON object")
        return None
    try:
        return parse(cast("dict[str, object]", jwk))
    except UnusableKey as fault:
        faults.add("jwks", f"[{number}] {fault}")
        return None

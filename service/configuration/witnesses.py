"""The setting that names witnesses: pairs of a verifier key and a URL, separated by commas."""

from msgspec import Struct

from events.transparency import notes
from events.transparency.notes import COSIGNATURE, BadKey, VerifierKey
from service.configuration import issuer

MOST = 16


class Witness(Struct, frozen=True):
    """`url` is the prefix of its submission endpoint, without a slash at its end."""

    key: VerifierKey
    url: str


def read(text: str, insecure: frozenset[str]) -> tuple[tuple[Witness, ...], list[str]]:
    """Return the witnesses and what is wrong with the others."""
    found: list[Witness] = []
    faults: list[str] = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        witness, fault = _witness(part, insecure)
        found += [witness] if witness else []
        faults += [fault] if fault else []
    keys = [(each.key.name, each.key.key_id) for each in found]
    if len(set(keys)) < len(keys):
        faults.append("names a witness twice")
    if len(found) > MOST:
        faults.append(f"names more than {MOST} witnesses")
    return tuple(found), faults


def _witness(part: str, insecure: frozenset[str]) -> tuple[Witness | None, str | None]:
    vkey, *rest = part.split()
    if len(rest) != 1:
        shown = "a part that" if "@" in part else f"{part}, which"  # what precedes an @ may be a password
        return None, f"has {shown} is not a verifier key, a space and a URL"
    url = rest[0].removesuffix("/")
    try:
        key = notes.verifier_key(vkey)
    except BadKey as fault:
        return None, f"has {vkey}, but {fault}"
    if key.kind != COSIGNATURE:
        return None, f"has the key of {key.name}, which signs as a log and not as a witness"
    if fault := issuer.fault(url, insecure):
        shown = "a URL that" if "@" in url else f"{url}, which"
        return None, f"has {shown} {fault}"
    return Witness(key, url), None

"""Hashes of client secrets in the formats of Keycloak, Hydra and Django: which are accepted, and how a secret is verified."""

import base64
import hashlib
import re
from hmac import compare_digest

import bcrypt
from argon2.exceptions import Argon2Error, InvalidHashError
from argon2.low_level import Type, verify_secret
from msgspec import DecodeError, Struct, ValidationError, json

MOST_ITERATIONS = 2_000_000
MOST_BCRYPT_COST = 14
MOST_MEMORY_KIB = 128 * 1024
MOST_WORK_KIB = 1024 * 1024
"""The limits of one verification's cost (memory times passes for argon2): about one second of one core, because anyone may cause it."""

MOST_CHARACTERS = 2048
FORMATS = "bcrypt, PBKDF2 or argon2, as Hydra and Django write it, or a credential of Keycloak's as JSON"

_B64 = r"[A-Za-z0-9+/]{2,300}={0,2}"
_bcrypt = re.compile(r"\$2[aby]\$([0-9]{2})\$[./A-Za-z0-9]{53}").fullmatch
_argon2 = re.compile(
    rf"\$argon2(id|i|d)\$v=19\$m=([0-9]{{1,7}}),t=([0-9]{{1,3}}),p=([1-9][0-9]?)\${_B64}\${_B64}"
).fullmatch
_pbkdf2 = re.compile(rf"\$pbkdf2-(sha1|sha256|sha512)\$i=([0-9]{{1,7}}),l=([0-9]{{1,3}})\$({_B64})\$({_B64})").fullmatch
_django = re.compile(rf"pbkdf2_(sha1|sha256)\$([0-9]{{1,7}})\$([!-#%-~]{{1,128}})\$({_B64})").fullmatch
_TYPES = {"id": Type.ID, "i": Type.I, "d": Type.D}


class UnknownHash(Exception):
    """The hash is not accepted. The text says why, and can follow the name of the field."""


class _Keycloak(Struct, frozen=True, rename="camel"):
    """A row of Keycloak's credentials. Its two columns contain JSON as text."""

    secret_data: str
    credential_data: str


class _SecretData(Struct, frozen=True):
    value: str
    salt: str


class _CredentialData(Struct, frozen=True, rename="camel"):
    hash_iterations: int
    algorithm: str
    additional_parameters: dict[str, list[str]] = {}


def canonical(text: str) -> str:
    """Return the hash in the form that `matches` needs. Raises UnknownHash."""
    if len(text) > MOST_CHARACTERS:
        raise UnknownHash(f"has more than {MOST_CHARACTERS} characters")
    plain = _from_keycloak(text) if text.startswith("{") else text
    found = _from_django(plain)
    _check_cost(found.removeprefix("sha256:"))
    return found


def matches(kept: str, secret: str) -> bool:
    """Return whether this secret matches the canonical hash. Takes up to a second."""
    given = secret.encode()
    if kept.startswith("sha256:"):
        kept, given = kept.removeprefix("sha256:"), hashlib.sha256(given).hexdigest().encode()
    if kept.startswith("$2"):
        return _is_bcrypt(kept, given)
    if kept.startswith("$argon2"):
        return _is_argon2(kept, given)
    return _is_pbkdf2(kept, given)


def _is_bcrypt(kept: str, given: bytes) -> bool:
    try:
        return bcrypt.checkpw(given[:72], kept.encode())  # bcrypt uses only the first 72 bytes
    except ValueError:
        return False


def _is_argon2(kept: str, given: bytes) -> bool:
    found = _argon2(kept)
    try:
        return found is not None and verify_secret(kept.encode(), given, _TYPES[found[1]])
    except (Argon2Error, InvalidHashError):
        return False


def _is_pbkdf2(kept: str, given: bytes) -> bool:
    found = _pbkdf2(kept)
    if found is None:
        return False
    derived = hashlib.pbkdf2_hmac(found[1], given, _decoded(found[4]), int(found[2]), int(found[3]))
    return compare_digest(derived, _decoded(found[5]))


def _from_django(text: str) -> str:
    """Convert Django's form: it puts its own name before common hashes, and its PBKDF2 salt is plain text."""
    if found := _django(text):
        return _phc(found[1], int(found[2]), found[3].encode(), _decoded(found[4]))
    if text.startswith("bcrypt_sha256$"):
        return f"sha256:{text.removeprefix('bcrypt_sha256$')}"
    return re.sub(r"^(?:bcrypt|argon2)\$", lambda at: "$" if at[0].startswith("argon2") else "", text)


def _from_keycloak(text: str) -> str:
    try:
        row = json.decode(text, type=_Keycloak)
        secret = json.decode(row.secret_data, type=_SecretData)
        how = json.decode(row.credential_data, type=_CredentialData)
    except (DecodeError, ValidationError, RecursionError) as fault:
        raise UnknownHash("is not a credential of Keycloak's: an object with secretData and credentialData") from fault
    digest = {"pbkdf2": "sha1", "pbkdf2-sha256": "sha256", "pbkdf2-sha512": "sha512"}.get(how.algorithm)
    salt, value = _decoded(secret.salt), _decoded(secret.value)
    if digest:
        return _phc(digest, how.hash_iterations, salt, value)
    more = {name: values[0] for name, values in how.additional_parameters.items() if values}
    return (
        f"$argon2{more.get('type', 'id')}$v=19$m={more.get('memory')},t={how.hash_iterations},p={more.get('parallelism')}"
        f"${_encoded(salt)}${_encoded(value)}"
    )


def _phc(digest: str, iterations: int, salt: bytes, value: bytes) -> str:
    return f"$pbkdf2-{digest}$i={iterations},l={len(value)}${_encoded(salt)}${_encoded(value)}"


def _check_cost(text: str) -> None:
    """Raises UnknownHash if the hash has an unknown form or costs too much to verify."""
    if found := _bcrypt(text):
        _at_most("bcrypt's cost", int(found[1]), MOST_BCRYPT_COST)
    elif found := _argon2(text):
        memory, passes = int(found[2]), int(found[3])
        _at_most("argon2's memory in KiB", memory, MOST_MEMORY_KIB)
        _at_most("argon2's memory times passes", memory * passes, MOST_WORK_KIB)
    elif found := _pbkdf2(text):
        _at_most("PBKDF2's iterations", int(found[2]), MOST_ITERATIONS)
        if not 16 <= int(found[3]) == len(_decoded(found[5])) <= 64 or int(found[2]) == 0:
            raise UnknownHash("is not a whole PBKDF2 hash of 16 to 64 bytes")
    else:
        raise UnknownHash(f"must be a hash by {FORMATS}")


def _at_most(what: str, found: int, most: int) -> None:
    if found > most:
        raise UnknownHash(f"would cost too much to verify: {what} is {found}, at most {most} is accepted")


def _decoded(text: str) -> bytes:
    """Decode base64 with or without padding. Raises UnknownHash."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError as fault:
        raise UnknownHash("has a part that is not base64") from fault


def _encoded(content: bytes) -> str:
    return base64.b64encode(content).rstrip(b"=").decode()

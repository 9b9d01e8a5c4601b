"""Hashes of secrets as other servers write them."""

import base64
import hashlib
import json

import bcrypt
import pytest
from argon2 import PasswordHasher

from service.crypto.foreign_hash import UnknownHash, canonical, matches

SECRET = "legacy s3cret+/=% of another server"
SALT = b"0123456789abcdef"


def b64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def pbkdf2(digest: str, salt: bytes, length: int | None = None) -> bytes:
    return hashlib.pbkdf2_hmac(digest, SECRET.encode(), salt, 1000, length)


def keycloak(algorithm: str, iterations: int, value: bytes, **more: list[str]) -> str:
    secret = {"value": b64(value), "salt": b64(SALT), "additionalParameters": {}}
    how = {"hashIterations": iterations, "algorithm": algorithm, "additionalParameters": more}
    return json.dumps({"type": "password", "secretData": json.dumps(secret), "credentialData": json.dumps(how)})


BCRYPT_SALT = b"$2b$04$0123456789abcdefghijku"  # the same in each worker, for the hashes are in the names of tests
BCRYPT = bcrypt.hashpw(SECRET.encode(), BCRYPT_SALT).decode()
ARGON2 = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=2).hash(SECRET, salt=SALT)
KEYCLOAK_ARGON2 = PasswordHasher(time_cost=5, memory_cost=7168, parallelism=1).hash(SECRET, salt=SALT)
OF_KEYCLOAK = base64.b64decode(KEYCLOAK_ARGON2.rpartition("$")[2] + "=")
WRITTEN = {
    "Hydra's bcrypt": BCRYPT.replace("$2b$", "$2a$"),
    "bcrypt of PHP": BCRYPT.replace("$2b$", "$2y$"),
    "Hydra's PBKDF2": f"$pbkdf2-sha256$i=1000,l=32${b64(SALT).rstrip('=')}${b64(pbkdf2('sha256', SALT)).rstrip('=')}",
    "Django's PBKDF2": f"pbkdf2_sha256$1000$aB3${b64(pbkdf2('sha256', b'aB3'))}",
    "Django's PBKDF2 by SHA-1": f"pbkdf2_sha1$1000$aB3${b64(pbkdf2('sha1', b'aB3'))}",
    "Django's argon2": f"argon2{ARGON2}",
    "Django's bcrypt": f"bcrypt${BCRYPT}",
    "Django's bcrypt of a SHA-256": "bcrypt_sha256$"
    + bcrypt.hashpw(hashlib.sha256(SECRET.encode()).hexdigest().encode(), bcrypt.gensalt(4)).decode(),
    "argon2 as its library writes it": ARGON2,
    "Keycloak's PBKDF2": keycloak("pbkdf2-sha512", 1000, pbkdf2("sha512", SALT, 64)),
    "Keycloak's older PBKDF2": keycloak("pbkdf2-sha256", 1000, pbkdf2("sha256", SALT, 64)),
    "Keycloak's argon2": keycloak("argon2", 5, OF_KEYCLOAK, memory=["7168"], type=["id"], parallelism=["1"]),
}


@pytest.mark.parametrize("text", WRITTEN.values(), ids=WRITTEN.keys())
def test_a_hash_proves_its_secret_and_no_other(text: str):
    kept = canonical(text)
    assert canonical(kept) == kept or kept.startswith("sha256:")
    assert matches(kept, SECRET)
    assert not matches(kept, SECRET + "x")
    assert not matches(kept, "")


def test_bcrypt_looks_at_72_bytes_as_everywhere():
    kept = bcrypt.hashpw(b"x" * 72, bcrypt.gensalt(4)).decode()
    assert matches(kept, "x" * 100)
    assert not matches(kept, "x" * 71)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "must be a hash by bcrypt"),
        ("md5$a$b", "must be a hash by bcrypt"),
        ("sha256:" + "a" * 64, "must be a hash by bcrypt"),
        (BCRYPT[:-1], "must be a hash by bcrypt"),
        (BCRYPT + "\n", "must be a hash by bcrypt"),
        (BCRYPT.replace("$04$", "$31$"), "bcrypt's cost is 31, at most 14"),
        ("pbkdf2_sha256$9000000$a$" + "A" * 43, "PBKDF2's iterations is 9000000"),
        ("pbkdf2_sha256$0$a$" + "A" * 43, "is not a whole PBKDF2 hash"),
        ("pbkdf2_sha256$1000$a$AAAA", "is not a whole PBKDF2 hash"),
        ("pbkdf2_sha256$1000$a$AAAAA", "not base64"),
        (ARGON2.replace("m=1024", "m=9999999"), "argon2's memory"),
        (ARGON2.replace("m=1024,t=1", "m=99999,t=99"), "memory times passes"),
        (ARGON2.replace("p=2", "p=0"), "must be a hash by bcrypt"),
        ("{}", "not a credential of Keycloak's"),
        ('{"secretData":' + "[" * 900, "not a credential of Keycloak's"),
        (keycloak("scrypt", 1, SALT), "must be a hash by bcrypt"),
        (keycloak("pbkdf2-sha256", -1, SALT), "must be a hash by bcrypt"),
        ("$" * 2049, "more than 2048"),
    ],
    ids=lambda text: text[:40],
)
def test_what_cannot_be_verified_at_a_bounded_cost_is_not_taken(text: str, why: str):
    with pytest.raises(UnknownHash, match=why):
        canonical(text)

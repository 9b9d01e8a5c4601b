"""Client certificates (RFC 8705), which a proxy that ended the TLS connection writes into a header: their forms, and what they prove."""

import binascii
import re
from base64 import b64decode
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from hmac import compare_digest
from ipaddress import ip_address
from urllib.parse import unquote

from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import (
    Certificate,
    DNSName,
    ExtensionNotFound,
    GeneralName,
    IPAddress,
    Name,
    RFC822Name,
    SubjectAlternativeName,
    UniformResourceIdentifier,
    load_der_x509_certificate,
    load_pem_x509_certificate,
)
from msgspec import Struct

from events.client_security import Security
from events.signing_key import PublicJwk
from service.crypto.base64url import as_text
from service.oauth.client_keys import of_public_key

CLIENT_CERT, XFCC, ESCAPED_PEM = "client-cert", "x-forwarded-client-cert", "x-ssl-client-cert"
LONGEST = 16 * 1024
MOST_KEPT = 64
"""Anybody can make a certificate with so many names that it takes 0.2 MB: these take 14 MB at most. To read a usual one takes 0.04 ms."""

_PAIR = r'[A-Za-z]+=(?:"(?:[^"\\]|\\.)*"|[^";,]*)'
_ELEMENT = re.compile(f"{_PAIR}(?:;{_PAIR})*")
_CERT = re.compile(r'(?:^|;)Cert="([^"\\]*)"')


class BadCertificate(Exception):
    """The header has no certificate that can be read."""


class ClientCertificate(Struct, frozen=True):
    """A certificate whose private key the sender has, for the proxy ended its TLS connection. `thumbprint` is x5t#S256."""

    thumbprint: str
    key: PublicJwk | None
    subject: Name
    names: tuple[GeneralName, ...]
    begins: datetime
    ends: datetime

    def is_valid(self, now: datetime) -> bool:
        return self.begins <= now <= self.ends


@lru_cache(maxsize=MOST_KEPT)
def read(header: str, value: str) -> ClientCertificate:
    """Return the certificate in the value of this header. Raises BadCertificate."""
    if len(value) > LONGEST:
        raise BadCertificate
    try:
        certificate = _loaded(header, value)
        try:
            names = tuple(certificate.extensions.get_extension_for_class(SubjectAlternativeName).value)
        except ExtensionNotFound:
            names = ()
        return ClientCertificate(
            thumbprint=as_text(sha256(certificate.public_bytes(Encoding.DER)).digest()),
            key=of_public_key(certificate.public_key()),
            subject=certificate.subject,
            names=names,
            begins=certificate.not_valid_before_utc,
            ends=certificate.not_valid_after_utc,
        )
    except (
        Exception
    ) as fault:  # the parsers of a certificate raise errors of many kinds, and whatever they raise, it is not one
        raise BadCertificate from fault


def is_of(certificate: ClientCertificate, security: Security) -> bool:
    """Whether the certificate has the one name that is registered (RFC 8705 section 2.1.2)."""
    if security.tls_client_auth_subject_dn is not None:
        subject = _subject(security.tls_client_auth_subject_dn)
        return subject is not None and subject == certificate.subject
    registered = {
        "dns": security.tls_client_auth_san_dns,
        "uri": security.tls_client_auth_san_uri,
        "ip": security.tls_client_auth_san_ip,
        "email": security.tls_client_auth_san_email,
    }
    wanted = [_alternative(kind, text) for kind, text in registered.items() if text is not None]
    return any(each is not None and _same(each, name) for each in wanted for name in certificate.names)


def is_name(kind: str, text: str) -> bool:
    """Whether the text can be a registered name of this kind: subject, dns, uri, ip or email."""
    return (_subject(text) if kind == "subject" else _alternative(kind, text)) is not None


def _subject(text: str) -> Name | None:
    """Return the distinguished name (RFC 4514), as certificates have it."""
    try:
        name = Name.from_rfc4514_string(text)
    except (ValueError, TypeError):
        return None
    return name if list(name) else None


def _alternative(kind: str, text: str) -> GeneralName | None:
    try:
        match kind:
            case "dns":
                return DNSName(text)
            case "uri":
                return UniformResourceIdentifier(text)
            case "ip":
                return IPAddress(ip_address(text))
            case _:
                return RFC822Name(text)
    except ValueError:
        return None


def is_bound_to(thumbprint: str, certificate: ClientCertificate | None) -> bool:
    """Whether a token that is bound to this thumbprint was sent over a connection with its certificate (RFC 8705 section 3)."""
    return certificate is not None and compare_digest(thumbprint, certificate.thumbprint)


def one(header: str | None, values: Sequence[str]) -> ClientCertificate | None:
    """Return the certificate of a request, if there is one. Two headers prove nothing: a stranger may have written one of them."""
    if header is None or not values:
        return None
    if len(values) > 1:
        raise BadCertificate
    return read(header, values[0])


def _same(wanted: GeneralName, name: GeneralName) -> bool:
    """Names of hosts are compared without regard to case, all others exactly."""
    if isinstance(wanted, DNSName) and isinstance(name, DNSName):
        return wanted.value.lower() == name.value.lower()
    return wanted == name


def _loaded(header: str, value: str) -> Certificate:
    match header:
        case "client-cert":  # RFC 9440 section 2.2: a byte sequence of RFC 8941
            if len(value) < 2 or value[0] != ":" or value[-1] != ":":
                raise BadCertificate
            return load_der_x509_certificate(_bytes(value[1:-1]))
        case "x-forwarded-client-cert":
            return load_pem_x509_certificate(unquote(_of_envoy(value), errors="strict").encode())
        case _:
            return load_pem_x509_certificate(unquote(value, errors="strict").encode())


def _bytes(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except binascii.Error as fault:
        raise BadCertificate from fault


def _of_envoy(value: str) -> str:
    """Return Cert of the only element: of several, a stranger may have written all but the last."""
    found = _CERT.findall(value) if _ELEMENT.fullmatch(value) else []
    if len(found) != 1:
        raise BadCertificate
    return found[0]

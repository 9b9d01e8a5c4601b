"""The two ceremonies of WebAuthn Level 2: registration of a passkey (section 7.1) and authentication with one (section 7.2).

The browser's response is untrusted input: if the library raises any error, the response proves nothing. The library takes five
megabytes, so the first page that needs a passkey loads this module.
"""

from hmac import compare_digest
from uuid import UUID

import webauthn
from msgspec import Struct, json
from webauthn.helpers import parse_authentication_credential_json, parse_registration_credential_json
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from service.people.factors import NotProved, Owner, Passkey, Relying

TIMEOUT_MS = 300_000


def creation(us: Relying, owner: Owner, has: list[Passkey], challenge: bytes) -> str:
    """Return the registration options as JSON. The passkey must be discoverable without a user name and must verify its user."""
    options = webauthn.generate_registration_options(
        rp_id=us.id,
        rp_name="Muniment",
        user_name=owner.email,
        user_id=owner.user.bytes,
        user_display_name=owner.name,
        challenge=challenge,
        timeout=TIMEOUT_MS,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
        exclude_credentials=_descriptors(has),
    )
    return webauthn.options_to_json(options)


def assertion(us: Relying, has: list[Passkey], challenge: bytes) -> str:
    """Return the authentication options as JSON. An empty list `has` allows any passkey, because the user is not known yet."""
    options = webauthn.generate_authentication_options(
        rp_id=us.id,
        challenge=challenge,
        timeout=TIMEOUT_MS,
        allow_credentials=_descriptors(has),
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return webauthn.options_to_json(options)


def made(us: Relying, answer: str, challenge: bytes, name: str) -> Passkey:
    """Return the passkey that the browser made. Raises NotProved."""
    try:
        _check_top(parse_registration_credential_json(answer).response.client_data_json)
        verified = webauthn.verify_registration_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=us.id,
            expected_origin=us.origin,
            require_user_verification=True,
        )
    except Exception as fault:
        raise NotProved(type(fault).__name__) from fault
    return Passkey(credential_id=verified.credential_id, public_key=verified.credential_public_key, name=name)


def owner_of(answer: str) -> UUID | None:
    """Return the user handle of the response. Only `prove`, with that user's passkeys, proves it."""
    try:
        handle = parse_authentication_credential_json(answer).response.user_handle
        return UUID(bytes=handle) if handle else None
    except Exception:  # noqa: BLE001 - any error means that the response is malformed
        return None


def prove(us: Relying, has: list[Passkey], answer: str, challenge: bytes) -> None:
    """Check that one of these passkeys signed the challenge. Raises NotProved.

    Signature counters are not kept: passkeys that are synchronised between devices have none (WebAuthn section 6.1.1).
    """
    try:
        parsed = parse_authentication_credential_json(answer)
        _check_top(parsed.response.client_data_json)
        used = parsed.raw_id
        passkey = next(each for each in has if compare_digest(each.credential_id, used))
        webauthn.verify_authentication_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=us.id,
            expected_origin=us.origin,
            credential_public_key=passkey.public_key,
            credential_current_sign_count=0,
            require_user_verification=True,
        )
    except Exception as fault:
        raise NotProved(type(fault).__name__) from fault


def _check_top(client_data: bytes) -> None:
    """Our pages are never framed, so a response from a frame is refused (7.1 step 10, 7.2 step 13). Raises NotProved."""
    said = json.decode(client_data, type=_Frame)
    if said.cross_origin or said.top_origin is not None:
        raise NotProved("the passkey was used in a frame of another site")


class _Frame(Struct, frozen=True, kw_only=True, rename="camel"):
    cross_origin: bool = False
    top_origin: str | None = None


def _descriptors(has: list[Passkey]) -> list[PublicKeyCredentialDescriptor]:
    return [PublicKeyCredentialDescriptor(id=each.credential_id) for each in has]

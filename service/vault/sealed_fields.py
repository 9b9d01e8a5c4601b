"""A field of a user, encrypted with the user's data key and bound to the user and to its purpose."""

from uuid import UUID

from events.sealed import Sealed
from service.crypto.sealing import CannotOpen, Seal


def closed(seal: Seal, user: UUID, purpose: str, plain: bytes) -> Sealed:
    return Sealed(seal.close_as_text(plain, about(user, purpose)))


def opened(seal: Seal | None, user: UUID, purpose: str, sealed: Sealed | None) -> bytes | None:
    if seal is None or sealed is None:
        return None
    try:
        return seal.open_text(sealed, about(user, purpose))
    except CannotOpen as fault:
        raise CannotOpen(f"personal data of the user {user} was sealed for another purpose") from fault


def about(user: UUID, purpose: str) -> bytes:
    return user.bytes + purpose.encode()

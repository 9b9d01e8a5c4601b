"""The reasons for changes of a user: sealed before they become part of an event, opened where the history is shown."""

from collections.abc import Iterable
from uuid import UUID

from events.codec import Recorded, encode
from events.envelope import Meta, SealedReason
from events.user import UserErased
from service.crypto.sealing import Seal
from service.vault.personal_data import Vault
from service.vault.sealed_fields import closed, opened

REASON = "reason"


def sealed(meta: Meta, user: UUID, seal: Seal | None) -> Meta:
    """Return the envelope for a stream of this user. Without the user's data key, nobody could read the reason, so it is left out."""
    if not isinstance(meta.reason, str):
        return meta
    if seal is None:
        return meta.__replace__(reason=None)
    return meta.__replace__(reason=SealedReason(user_id=user, sealed=closed(seal, user, REASON, meta.reason.encode())))


async def readable(vault: Vault, events: Iterable[Recorded]) -> list[Recorded]:
    """Return the events with their reasons opened, except those about erased users, whose data key may be about to be destroyed."""
    metas = [(past, past.meta) for past in events]
    erased = {past.stream_id for past, _ in metas if isinstance(past.event, UserErased)}
    about = {meta.reason.user_id for _, meta in metas if isinstance(meta.reason, SealedReason)} - erased
    seals = await vault.keys(sorted(about)) if about else {}
    return [
        past.__replace__(meta_bytes=encode(_opened(meta, seals))) if _is_sealed(meta) else past for past, meta in metas
    ]


def _is_sealed(meta: Meta) -> bool:
    return isinstance(meta.reason, SealedReason)


def _opened(meta: Meta, seals: dict[UUID, Seal]) -> Meta:
    if not isinstance(meta.reason, SealedReason):
        return meta
    plain = opened(seals.get(meta.reason.user_id), meta.reason.user_id, REASON, meta.reason.sealed)
    return meta if plain is None else meta.__replace__(reason=plain.decode())

"""muniment keys rewrap: another master key.

The vault and the key's file cannot change in one transaction. So the new key is in a file of its own, durably, before the vault
is wrapped by it, and takes the old one's place only afterwards: whenever the machine stops, the key that opens the vault is in one
of the two files, and the same command, run again, finds out in which and goes on.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from events.database import connected
from service.cli.opening import Plainly, open_database, right_key, run, url_of
from service.cli.output import Json, document, say
from service.configuration import master_key
from service.configuration.environment import decode_master_key
from service.configuration.settings import Settings, read_settings

if TYPE_CHECKING:
    pass

NEW = "MUNIMENT_NEW_MASTER_KEY"
WAITING = f"{master_key.FILE}.new"


class Rewrapped(Struct, frozen=True, kw_only=True):
    """`keys` were rewrapped (none if they were already); `file` holds the new master key, unless the environment does."""

    keys: int
    file: str | None


def rewrap(as_json: Json = False) -> None:
    """Wrap every private signing key, and every person's data key, with a new master key, all in one transaction.

    The new key comes from MUNIMENT_NEW_MASTER_KEY (32 bytes in base64), the present one from where the service has it. Where
    that is MUNIMENT_DATA/master.key, the file is replaced too: the new key waits in master.key.new until the keys are wrapped
    by it. If the machine stops in between, run the command again; it goes on from there. Where it is MUNIMENT_MASTER_KEY, put
    the new key there yourself.

    Restart the service afterwards, before the next `keys rotate`: a running one goes on with the keys it has unwrapped, but
    cannot unwrap another, nor register or sign in anybody. Answers kept for a repeated Idempotency-Key (24 hours) cannot be
    repeated any more, and people have to sign in again, for their cookies were signed under the former key.

    Example: `MUNIMENT_NEW_MASTER_KEY=$(openssl rand -base64 32) muniment keys rewrap`
    """
    with open_database(needs_key=True) as settings, right_key():
        asked = read_settings(os.environ, needs_key=False)
        kept_in_file = asked.database_url is None and asked.master_key is None
        done = _rewrapped(settings, settings.data / WAITING if kept_in_file else None)
    if as_json:
        document(done)
    else:
        where = f"{done.file} holds the new master key" if done.file else "Now put the new key into MUNIMENT_MASTER_KEY"
        say(f"{done.keys} keys are rewrapped. {where}; restart the service.")


def _rewrapped(settings: Settings, waiting: Path | None) -> Rewrapped:
    url, present, new = url_of(settings), settings.master_key, _new_key(waiting)
    assert present is not None
    if waiting is None:
        return Rewrapped(keys=run(_wrap(url, present, new)), file=None)
    begun = key_in(waiting)
    if begun is not None and begun != new:  # with another new key: wherever that run stopped, it ends here
        run(_wrap(url, present, begun))
        _put_in_place(waiting)
        present = begun
    master_key.write_private(waiting, master_key.as_text(new).encode() + b"\n")
    owner = waiting.with_name(master_key.FILE).stat()
    os.chown(waiting, owner.st_uid, owner.st_gid)  # root may do this for another account
    _sync(waiting.parent)
    count = run(_wrap(url, present, new))
    return Rewrapped(keys=count, file=str(_put_in_place(waiting)))


def _new_key(waiting: Path | None) -> bytes:
    """Raises Plainly."""
    text = os.environ.get(NEW, "").strip()
    key = decode_master_key(text.replace("+", "-").replace("/", "_")) if text else waiting and key_in(waiting)
    if key is None:
        fault = "is not 32 bytes in base64 (its value is not shown)" if text else "is required"
        raise Plainly(f"{NEW} {fault}; make one: openssl rand -base64 32")
    return key


def key_in(place: Path) -> bytes | None:
    return decode_master_key(place.read_text(errors="replace").strip()) if place.exists() else None


def _put_in_place(waiting: Path) -> Path:
    place = waiting.replace(waiting.with_name(master_key.FILE))
    _sync(place.parent)
    return place


def _sync(directory: Path) -> None:
    """Names in a directory survive a loss of power only once the directory itself is on disk."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


async def _wrap(url: str, old: bytes, new: bytes) -> int:
    """How many keys were rewrapped: none when the new key opens them all already. Raises WrongMasterKey."""
    from service import rotation  # noqa: PLC0415 - the libraries of cryptography come along
    from service.vault import personal_data, private_keys  # noqa: PLC0415

    async with connected(url) as connection, rotation.alone(url):
        try:
            await private_keys.check(connection, private_keys.wrapping(new))
            await personal_data.check(connection, personal_data.wrapping(new))
        except private_keys.WrongMasterKey:
            async with connection.transaction():
                count = await private_keys.rewrap(connection, private_keys.wrapping(old), private_keys.wrapping(new))
                return count + await personal_data.rewrap(
                    connection, personal_data.wrapping(old), personal_data.wrapping(new)
                )
        return 0

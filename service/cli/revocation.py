"""muniment revoke-tree: revokes what follows from a compromise; first it shows what that would be."""

from datetime import time

from msgspec import Struct

from events.database import read
from events.envelope import Meta
from service.blast_radius import report, seeds
from service.cli.blast_radius import noun
from service.cli.ledger import ask_whether_sure, check_terminal, open_ledger
from service.cli.opening import by_operator, open_database, right_key, run, url_of
from service.cli.output import document, note, say, table
from service.cli.selection import Place, read_place
from service.commands.handle import Ledger
from service.configuration.settings import Settings
from service.revocation import tree
from service.revocation.receipt import RevocationReceipt
from service.revocation.tree import Order


class Wanted(Struct, frozen=True, kw_only=True):
    of: str
    client_key: str | None
    since: Place | None
    dry: bool
    yes: bool
    meta: Meta
    as_json: bool


def revoke(
    of: str,
    since: str | None,
    *,
    client_key: str | None = None,
    dry_run: bool,
    yes: bool,
    reason: str | None,
    as_json: bool,
) -> None:
    place = None if since is None else read_place("--since", since, time.min)
    wanted = Wanted(
        of=of,
        client_key=client_key,
        since=place,
        dry=dry_run,
        yes=yes,
        meta=by_operator(reason),
        as_json=as_json,
    )
    # A reason may be about a user, and is sealed then.
    with open_database(needs_key=reason is not None) as settings, right_key():
        if not (yes and not dry_run):
            seen = run(_carried_out(settings, wanted, dry=True))
            if dry_run or not seen.revoked:
                _tell(seen, as_json=as_json)
                return
            _ask(seen)
        _tell(run(_carried_out(settings, wanted, dry=False)), as_json=as_json)


async def _carried_out(settings: Settings, wanted: Wanted, *, dry: bool) -> RevocationReceipt:
    async with open_ledger(url_of(settings)) as ledger:
        order = await _order(settings, ledger, wanted)
        return await (tree.preview(ledger, order) if dry else tree.revoke(ledger, order))


async def _order(settings: Settings, ledger: Ledger, wanted: Wanted) -> Order:
    since = await read(ledger.pool, lambda connection: report.past_moment_of(connection, wanted.since))
    origin = await read(ledger.pool, lambda connection: seeds.named(connection, wanted.of, wanted.client_key))
    user, meta = await read(ledger.pool, lambda connection: seeds.user_of(connection, origin)), wanted.meta
    if user is not None and meta.reason is not None:
        from service.people.accounts import People  # noqa: PLC0415 - argon2 and JOSE come along

        assert settings.master_key is not None
        people = People(ledger, settings.master_key)
        meta = await people.private(user, meta)
        people.close()
    return Order(origin=origin, since=since, own=None, meta=meta)


def _ask(seen: RevocationReceipt) -> None:
    """Raises Plainly unless the person at the terminal says yes."""
    check_terminal("say --yes, or --dry-run to see what it does")
    _tell(seen, as_json=False)
    ask_whether_sure("Revoke all of this?", "nothing was revoked")


def _tell(receipt: RevocationReceipt, *, as_json: bool) -> None:
    if as_json:
        document(receipt)
        return
    would = "would be revoked" if receipt.dry_run else "revoked"
    since = f"{receipt.since:%Y-%m-%d %H:%M:%SZ}"
    say(f"The {noun(receipt.origin.kind)} {receipt.origin.id}, and what follows from it since {since}:")
    say("")
    kinds = {**receipt.follows, **receipt.revoked, **receipt.unchanged}
    counts = (receipt.follows, receipt.revoked, receipt.unchanged)
    table(
        ("kind", "follow", would, "need nothing"),
        ((kind, *(str(each.get(kind, 0)) for each in counts)) for kind in kinds),
    )
    for sentence in receipt.notes:
        say(sentence)
    if receipt.checkpoint is not None:
        say(f"The checkpoint that covers it:\n\n{receipt.checkpoint}")
    if receipt.last_position is not None:
        say(f"It is recorded at positions {receipt.first_position} to {receipt.last_position} of the log.")
    else:
        note("nothing was changed" if receipt.dry_run else "there was nothing to revoke")

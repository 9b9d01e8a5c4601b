"""muniment clients disable, enable and delete: by the rules of the API, in the name of an operator."""

from projections.clients import Row
from service.cli.client_lookup import ClientId, carry_out, row_of
from service.cli.ledger import OPERATOR, AtVersion, Yes, confirm, say_state, with_ledger
from service.cli.opening import by_operator
from service.cli.output import Json, document, say
from service.cli.reason_option import Reason
from service.commands.client import DeleteClient, DisableClient, EnableClient
from service.commands.handle import Ledger
from service.configuration.settings import Settings


def disable(client_id: ClientId, *, at_version: AtVersion = None, reason: Reason = None, as_json: Json = False) -> None:
    """Stop a client at once: no process issues it a token, and its tokens introspect as inactive. Only an operator can enable it again.

    Example: `muniment clients disable oauth_client_0192f3a1c5d87cc4a1b2c3d4e5f60718 --reason "leaked in a log"`
    """
    _change(client_id, DisableClient(by=OPERATOR), "disabled", at_version, reason, as_json=as_json)


def enable(client_id: ClientId, *, at_version: AtVersion = None, reason: Reason = None, as_json: Json = False) -> None:
    """Let a disabled client get tokens again. Its tokens that have not expired are active again, too.

    Example: `muniment clients enable oauth_client_0192f3a1c5d87cc4a1b2c3d4e5f60718`
    """
    _change(client_id, EnableClient(by=OPERATOR), "active", at_version, reason, as_json=as_json)


def delete(
    client_id: ClientId,
    *,
    at_version: AtVersion = None,
    yes: Yes = False,
    reason: Reason = None,
    as_json: Json = False,
) -> None:
    """Delete a client, and with it everything that was issued to it. `muniment clients restore` brings it back, with a new secret.

    Example: `muniment clients delete oauth_client_0192f3a1c5d87cc4a1b2c3d4e5f60718 --yes`
    """
    meta = by_operator(reason)

    async def deleted(ledger: Ledger, _settings: Settings) -> None:
        row = await row_of(ledger, client_id)
        confirm(f"Delete {_described(row)}?", yes=yes, otherwise="nothing was deleted")
        await carry_out(ledger, client_id, DeleteClient(by=OPERATOR), meta, at_version)

    with_ledger(deleted)
    if as_json:
        document({"client_id": client_id, "state": "deleted"})
    else:
        say(f"{client_id} is deleted.")


def _change(
    client_id: str,
    command: DisableClient | EnableClient,
    state: str,
    at_version: int | None,
    reason: str | None,
    *,
    as_json: bool,
) -> None:
    meta = by_operator(reason)
    handled = with_ledger(lambda ledger, _: carry_out(ledger, client_id, command, meta, at_version))
    say_state(client_id, state, handled, field="client_id", as_json=as_json)


def _described(row: Row) -> str:
    name = f" ({row.display_name})" if row.display_name else ""
    return f"{row.client_id}{name} of {row.owner}"

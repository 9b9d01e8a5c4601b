"""A user gives consent to a client, or withdraws it."""

from collections.abc import Mapping
from uuid import UUID

from events.consent import stream_of as consent_stream
from events.database import read
from events.envelope import Meta
from events.ids import client_stream
from projections import authorizations, consents
from projections.apis import Row as Api
from service.clock import utc_now
from service.commands.consent import GiveConsent, WithdrawConsent
from service.commands.handle import CONSENT, Ledger, handle
from service.oauth.authorization_request import AuthorizationRequest
from service.oauth.consent_parts import parts_of
from service.reactions import session_end


async def give(
    ledger: Ledger, user: UUID, request: AuthorizationRequest, apis: Mapping[str, Api], meta: Meta, *, again: bool
) -> None:
    """Record consent to the scopes of the authorization request, for each of its APIs. It adds to earlier consent. With `again`, it is
    an event also if it adds nothing.
    """
    for resource, scopes in parts_of(request, apis):
        command = GiveConsent(
            user=user, client_id=request.client_id, resource=resource, scopes=scopes, at=utc_now(), again=again
        )
        await handle(ledger, CONSENT, consent_stream(user, request.client_id, resource), command, meta)


async def withdraw(ledger: Ledger, user: UUID, client_id: str, meta: Meta) -> None:
    """Withdraw every consent to the client, and revoke every token issued from the user's authorizations of it."""
    given = await read(ledger.pool, lambda connection: consents.of_user(connection, user))
    after = meta
    for row in given:
        if row.client_id == client_id:
            handled = await handle(ledger, CONSENT, row.stream_id, WithdrawConsent(at=utc_now()), meta)
            after = session_end.because(meta, handled)
    granted = await read(ledger.pool, lambda connection: authorizations.of_user(connection, user))
    of_client = [row.stream_id for row in granted if row.client == client_stream(client_id)]
    await session_end.revoke(ledger, of_client, "consent_withdrawn", after)

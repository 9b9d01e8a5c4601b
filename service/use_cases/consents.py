"""A user gives consent to a client, or withdraws it."""

from uuid import UUID

from events.consent import stream_of as consent_stream
from events.database import read
from events.envelope import Meta
from events.ids import client_stream
from projections import authorizations, consents
from service.clock import utc_now
from service.commands.consent import GiveConsent, WithdrawConsent
from service.commands.handle import CONSENT, Ledger, handle
from service.oauth.authorization_request import AuthorizationRequest
from service.reactions import session_end


async def give(ledger: Ledger, user: UUID, request: AuthorizationRequest, meta: Meta) -> None:
    """Record consent to the scopes of the authorization request. It adds to earlier consent."""
    command = GiveConsent(
        user=user, client_id=request.client_id, resource=request.resource, scopes=request.to_allow, at=utc_now()
    )
    await handle(ledger, CONSENT, consent_stream(user, request.client_id, request.resource), command, meta)


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

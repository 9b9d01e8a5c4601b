"""The history of trusted issuers: each version of what this server accepts of each."""

from events.trusted_issuer import TrustedIssuerEvent
from projections import history, trusted_issuers
from projections.history import History


class Row(history.Row[trusted_issuers.Row], frozen=True, kw_only=True, gc=False):
    state: str


HISTORY = History(
    name="trusted_issuer_history",
    version=1,
    table=trusted_issuers.TABLE,
    follows=TrustedIssuerEvent,
    row=Row,
    keep=lambda issuer: issuer,
    filters=lambda issuer: {"state": issuer.state},
    swept=False,
)

PROJECTION = HISTORY.catch_up()

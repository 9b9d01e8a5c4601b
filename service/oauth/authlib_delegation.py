# pyright: basic
"""Token exchange (RFC 8693) and identity assertions (RFC 7523) as classes for Authlib. They read facts that are already loaded."""

from typing import Any

from authlib.oauth2.rfc6749 import BaseGrant, TokenEndpointMixin, UnauthorizedClientError

from projections.clients import Row
from service.oauth import identity_assertions, token_exchange
from service.oauth.authlib_grants import Recorded
from service.oauth.delegation import Actor


class _Delegated(Recorded, BaseGrant, TokenEndpointMixin):
    TOKEN_ENDPOINT_AUTH_METHODS = ("presented",)

    def validate_token_request(self) -> None:
        client: Any = self.authenticate_token_endpoint_client()
        if not client.check_grant_type(self.GRANT_TYPE):
            raise UnauthorizedClientError
        self.request.client = client


class TokenExchange(_Delegated):
    GRANT_TYPE = token_exchange.GRANT_TYPE

    def validate_token_request(self) -> None:
        """Raises a Refusal."""
        super().validate_token_request()
        row, facts = _row(self), self.request.facts
        client = Actor(sub=row.bot_user_id or row.client_id, client_id=row.client_id)
        subject, asked = facts.loaded(facts.subject), facts.loaded(facts.asked)
        if asked.requested == token_exchange.ID_JAG:
            self.exchange = identity_assertions.issued(row.security.identity_assertions, client, subject, asked)
        else:
            self.exchange = token_exchange.exchange(row.security.token_exchange, client, subject, asked)

    def create_token_response(self) -> None:
        self.generate_token(user=self.exchange.sub, scope=" ".join(self.exchange.scopes))
        self.request.granted = self.request.granted.__replace__(exchange=self.exchange)


class JwtBearer(_Delegated):
    GRANT_TYPE = identity_assertions.GRANT_TYPE

    def validate_token_request(self) -> None:
        """Raises a Refusal."""
        super().validate_token_request()
        facts = self.request.facts
        self.assertion = facts.loaded(facts.assertion)
        asked: Any = self.request.payload
        self.scopes = identity_assertions.scopes(self.assertion, asked.scope)

    def create_token_response(self) -> None:
        self.generate_token(user=self.assertion.user, scope=" ".join(self.scopes))


def _row(grant: Any) -> Row:
    return grant.request.client.row

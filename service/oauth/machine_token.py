"""A token for a machine as it was decided, so that the same request need not be decided again."""

from datetime import datetime

from msgspec import Struct

from service.crypto.credentials import new_id
from service.oauth.authlib_server import TokenGrant
from service.oauth.signing import Signer
from service.oauth.tokens import Claims


class MachineToken(Struct, frozen=True, kw_only=True, gc=False):
    """`recorded_audience` is what its record says of its audience. The client is not kept here: how many bytes of clients a process keeps
    has a limit, which is that of the lookup.
    """

    claims: Claims
    signer: Signer
    grant: TokenGrant
    recorded_audience: str | None

    def another(self, now: datetime) -> "MachineToken":
        """Return one that says the same but for its id and its times."""
        at, lifetime = int(now.timestamp()), self.claims.exp - self.claims.iat
        return self.__replace__(claims=self.claims.__replace__(iat=at, exp=at + lifetime, jti=new_id()))

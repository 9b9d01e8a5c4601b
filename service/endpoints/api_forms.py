"""The two forms of an API's identifier that is a host: with the slash at its end, and without it. They are one API."""

from events.api import stream_of
from events.database import Pool, read
from projections import apis
from service.endpoints.api_schemas import CreateApiRequest
from service.endpoints.fields import Fields
from service.oauth.targets import other_form


async def check(connections: Pool, fields: Fields[CreateApiRequest]) -> None:
    """A request for one of two forms of an identifier gets its API, so the other form could never be asked for."""
    other = other_form(fields.good("identifier") or "")
    if other and await read(connections, lambda connection: apis.find(connection, stream_of(other))) is not None:
        fields.fault("identifier", f"is the same as that of the API {other}: an empty path is the same as /")

"""SQL terms that several views share."""

from events.ids import client_id_in_sql


def client_id(stream: str) -> str:
    """Returns the client_id of a stream (events/ids.py). Of an imported client that was deleted, it is the stream's UUID."""
    return (
        f"coalesce((select c.client_id from read.clients c where c.stream_id = {stream}), {client_id_in_sql(stream)})"
    )


def token_field(name: str) -> str:
    """Returns a field of a record of the issuance log, as text."""
    return f"convert_from(i.data, 'UTF8')::json ->> '{name}'"

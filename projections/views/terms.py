"""SQL terms that several views share."""


def client_id(stream: str) -> str:
    """Returns the client_id of a stream (events/ids.py). Of an imported client that was deleted, it is the stream's UUID."""
    computed = f"case when {stream}::text like '________-____-8%' then {stream}::text else 'oauth_client_' || replace({stream}::text, '-', '') end"
    return f"coalesce((select c.client_id from read.clients c where c.stream_id = {stream}), {computed})"


def token_field(name: str) -> str:
    """Returns a field of a record of the issuance log, as text."""
    return f"convert_from(i.data, 'UTF8')::json ->> '{name}'"

-- Clients in the order of their names, and of their last use (projections/client_order.py); the open sessions of all users.
create index clients_name on read.clients ((display_name is null), lower(coalesce(display_name, '')), stream_id);
create index last_used_order on read.last_used (kind, used_at, id);
create index sessions_open on read.sessions (stream_id) where state = 'open';

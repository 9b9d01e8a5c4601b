-- Clients in the order of their names, and of their last use (projections/client_order.py); the open sessions of all users.
create index clients_named on read.clients (lower(display_name), stream_id) where display_name is not null;
create index clients_unnamed on read.clients (stream_id) where display_name is null;
create index last_used_order on read.last_used (kind, used_at, id);
create index sessions_open on read.sessions (stream_id) where state = 'open';

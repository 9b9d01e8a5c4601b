-- Finds the device authorizations of a client and of a user, latest first (projections/device_authorizations.py).
create index device_authorizations_client on read.device_authorizations (client, stream_id);
create index device_authorizations_user on read.device_authorizations (user_id, stream_id) where user_id is not null;

-- Finds the device that a grant was made for (projections/device_authorizations.py).
create index device_authorizations_authorization on read.device_authorizations (authorization_id) where authorization_id is not null;

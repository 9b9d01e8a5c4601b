-- Devices that asked for access (RFC 8628), and who answered them (projections/device_authorizations.py).
create table read.device_authorizations (
  stream_id        uuid        not null primary key,
  client           uuid        not null,
  user_code        text        not null,                             -- its keyed hash
  scopes           text[]      not null,
  resource         text,
  state            text        not null check (state in ('waiting', 'approved', 'denied')),
  requested_at     timestamptz not null,
  expires_at       timestamptz not null,
  answered_at      timestamptz,
  user_id          uuid,
  authorization_id uuid,
  version          integer     not null
);
create index device_authorizations_code on read.device_authorizations (user_code) where state = 'waiting';
alter table read.device_authorizations owner to muniment_service;
call log.generate_project();

-- How often a device asks, and from where it began: forgotten when its code has expired. Unlogged, for nothing here is a fact.
create unlogged table limits.devices (
  stream_id uuid        not null primary key,
  origin    text        not null,                                    -- sealed: its address and its program
  wait      integer     not null,                                    -- seconds between two polls
  polled_at timestamptz,
  early     boolean     not null default false,                      -- whether the last poll came too early
  until     timestamptz not null
);
alter table limits.devices alter column origin set statistics 0;         -- what is sealed here is forgotten, not kept in the catalogue
alter table limits.devices owner to muniment_service;

-- The tokens with which clients register themselves (projections/initial_access_tokens.py).
create table read.initial_access_tokens (
  stream_id    uuid        not null primary key,
  owner        text        not null,                                 -- who owns the clients
  name         text        not null,
  hash         text        not null,                                 -- SHA-256 of the token
  hint         text        not null,
  scopes       text[]      not null,
  machines     boolean     not null,
  uses         integer     not null,
  used         integer     not null,
  state        text        not null check (state in ('active', 'revoked')),
  created_at   timestamptz not null,
  expires_at   timestamptz,
  last_used_at timestamptz,
  version      integer     not null
);
create index on read.initial_access_tokens (owner, stream_id);
alter table read.initial_access_tokens owner to muniment_service;
call log.generate_project();

-- Other servers whose signed tokens are accepted (projections/trusted_issuers.py).
create table read.trusted_issuers (
  stream_id  uuid        not null primary key,
  issuer     text        not null unique,
  trust      jsonb       not null,                                   -- {name, keys, algorithms, purposes, audiences, provisions}
  state      text        not null check (state in ('active', 'disabled')),
  created_at timestamptz not null,
  version    integer     not null
);
alter table read.trusted_issuers owner to muniment_service;
call log.generate_project();

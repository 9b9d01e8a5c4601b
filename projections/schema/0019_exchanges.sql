-- The tokens that were exchanged for others (projections/exchanges.py).
create table read.exchanges (
  stream_id      uuid        not null primary key,
  subject        uuid        not null,                                -- the jti of the token
  subject_client text        not null,
  exchanged_at   timestamptz not null,
  version        integer     not null
);
alter table read.exchanges owner to muniment_service;
call log.generate_project();

-- APIs (resource servers), and those that a client is granted; null is a client that may name any resource that is no registered API.
create table read.apis (
  stream_id  uuid        not null primary key,                       -- made of the identifier
  identifier text        not null,
  terms      jsonb       not null,                                   -- {name, scopes: [{name, words}], …}
  state      text        not null check (state in ('active', 'deleted')),
  created_at timestamptz not null,
  version    integer     not null
);
alter table read.apis owner to muniment_service;
alter table read.clients add column apis jsonb;
call log.generate_project();

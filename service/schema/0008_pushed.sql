-- Pushed authorization requests (RFC 9126), sealed. The key is a hash of the request_uri. Unlogged, because each lives for a minute and a half.
create unlogged table limits.pushed (
  key     bytea       primary key,
  request bytea       not null,
  until   timestamptz not null
);
alter table limits.pushed owner to muniment_service;

-- What must never be in the log: private signing keys, each wrapped by the master key.
create schema vault authorization muniment_service;
create table vault.signing_keys (
  stream_id uuid  not null primary key,
  wrapped   bytea not null
);
alter table vault.signing_keys owner to muniment_service;

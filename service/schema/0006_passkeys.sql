-- Which account a passkey is of. Its name is an HMAC of the credential's id, as those of vault.names are; but nobody is found by it, so one more than the
-- log has is no fault: of a passkey that is being added, or was removed, until somebody else comes with the same one.
create table vault.passkeys (
  name       bytea       not null primary key,
  user_id    uuid        not null references vault.people on delete cascade,
  factor_id  uuid        not null,
  created_at timestamptz not null default clock_timestamp()
);
create index passkeys_user on vault.passkeys (user_id);
alter table vault.passkeys alter column name set statistics 0;
alter table vault.passkeys owner to muniment_service;

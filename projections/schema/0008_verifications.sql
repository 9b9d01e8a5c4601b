-- What the last verification of each projection found.
create table read.verifications (
  name            text        not null primary key,
  begun_at        timestamptz not null default clock_timestamp(),    -- of the last attempt, which may have found nothing
  verified_at     timestamptz,                                       -- this and the following: of the last attempt that found something
  outcome         text        check (outcome in ('agrees', 'differs', 'failed')),
  position        bigint,
  rows            bigint,
  digest          text,
  expected_digest text,
  differing       text[]      not null default '{}',                 -- the keys of at most ten rows
  error           text,                                              -- why the log cannot be folded
  seconds         double precision
);
alter table read.verifications owner to muniment_service;

-- How often a caller has asked in the present minute: shared by every process, forgotten by the next. Unlogged, for nothing here is a fact.
create schema limits authorization muniment_service;
create unlogged table limits.counts (
  key    text        not null,
  minute timestamptz not null,
  used   integer     not null,
  primary key (key, minute)
);
alter table limits.counts owner to muniment_service;

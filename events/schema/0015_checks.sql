-- What log.append_events computes of every row that it stores need not be checked once more: positions follow each other from the last one,
-- a leaf is a hash, and a batch has an event at least. Postgres prepares each check again in each statement,
-- which takes 5 microseconds.
-- The version of an event is given by the caller, so its check stays.
alter table log.events drop constraint events_leaf_check, drop constraint events_position_check;
alter table log.batches drop constraint batches_check;

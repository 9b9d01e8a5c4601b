-- Rows of the tables that most appends write are not checked by constraints: they are what `project` made of the events, which
-- `projections verify` compares.
alter table read.clients drop constraint clients_state_check, drop constraint clients_disabled_by_check;
alter table read.authorizations drop constraint authorizations_state_check;
alter table read.sessions drop constraint sessions_state_check;

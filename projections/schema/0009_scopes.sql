-- Which clients have a scope. New entries wait in a list that is merged at times, so a registration costs no more for it.
create index clients_scopes on read.clients using gin (scopes);

-- Who disabled a client: only an operator enables what an operator disabled. What was disabled before counts as its owner's.
alter table read.clients add column disabled_by text check (disabled_by in ('owner', 'operator'));
update read.clients set disabled_by = 'owner' where state = 'disabled';
call log.generate_project();

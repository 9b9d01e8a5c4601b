-- What the access tokens of a client are signed with; null is as the deployment has it.
alter table read.clients add column access_token_alg text;
call log.generate_project();

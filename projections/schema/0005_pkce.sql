-- Whether PKCE is required of a client is now also "as the deployment has it", which is no value in its terms of logging in.
-- Until now `true` was the default: it stays with those clients only for which somebody chose it, which is to say changed false to true.
update read.clients as c set login = c.login - 'require_pkce'
 where c.login ->> 'require_pkce' = 'true' and not exists (
   select from log.events e, lateral (select convert_from(e.data, 'UTF8')::jsonb as said) as s
    where e.stream_id = c.stream_id and e.type = 'client.login_changed'
      and s.said #>> '{was,require_pkce}' = 'false' and s.said #>> '{login,require_pkce}' = 'true');

-- What bound the code of an authorization to the browser that asked for it; null is from before it was recorded.
alter table read.authorizations add column bound_by text[];
create index authorizations_client on read.authorizations (client, stream_id);

call log.generate_project();

-- The four roles of Muniment, to be run with psql in the database that Muniment is to have for itself. Harmless to repeat.
-- Whoever runs it is a superuser, or an administrator as managed Postgres has them: one who may create roles and databases, and owns this one.
--
--   OWNER_PASSWORD=... SERVICE_PASSWORD=... psql -d muniment -f deploy/roles.sql
--
--   muniment_owner     owns the database and the logs; `muniment db migrate` and pg_dump log in as it, nothing else does
--   muniment_service   nobody logs in as it; whatever the service does, it does as this role, so what it may do is granted to this role:
--                      append to the logs through two functions, read them, and own the tables that are made of them
--   muniment_reader    nobody logs in as it either; who queries the views is a member of it, and reaches nothing else
--   muniment           what `muniment serve` and the other commands log in as; it may be muniment_service and nothing else
--
-- The passwords come from the environment, so that neither this file nor a list of processes shows them. One that is not set
-- stays as it is; \password muniment in psql changes it later. Only who may switch it off keeps the statements out of the server's log: an
-- administrator who may not, on a server that logs them, leaves both variables out and gives the passwords by \password.
\set ON_ERROR_STOP on
\getenv owner_password OWNER_PASSWORD
\getenv service_password SERVICE_PASSWORD

begin;
set local client_min_messages = 'warning';                          -- "is already a member" is no news
select format('set local %s = %L', name, quiet)                     -- no password in the server's log, nor in an error's context
  from (values ('log_statement', 'none'), ('log_min_duration_statement', '-1'), ('log_min_error_statement', 'panic')) as logged (name, quiet)
 where has_parameter_privilege(name, 'set')
\gexec
set local password_encryption = 'scram-sha-256';

select format('create role %I', name) from unnest(array['muniment_owner', 'muniment_service', 'muniment_reader', 'muniment']) as name
 where not exists (select from pg_catalog.pg_roles where rolname = name)
\gexec
-- What a new role has not, it is not told again: only a superuser may, before Postgres 16.
alter role muniment_owner   login   inherit nocreatedb nocreaterole;
alter role muniment_service nologin inherit nocreatedb nocreaterole;
alter role muniment_reader  nologin inherit nocreatedb nocreaterole;
alter role muniment         login   inherit nocreatedb nocreaterole;
select format('alter role %I nosuperuser noreplication nobypassrls', rolname) from pg_catalog.pg_roles
 where rolname in ('muniment_owner', 'muniment_service', 'muniment_reader', 'muniment') and (rolsuper or rolreplication or rolbypassrls)
\gexec
\if :{?owner_password}
alter role muniment_owner password :'owner_password';
\endif
\if :{?service_password}
alter role muniment password :'service_password';
\endif

-- The owner is a member of the service's role, so that a migration can change the tables that the service owns; never the other way round.
grant muniment_service to muniment_owner, muniment;

-- An administrator gives the database only to whom it could become itself (Postgres 16 says so of each grant).
select format('grant muniment_owner to %I', current_user) || case when current_setting('server_version_num')::int < 160000 then '' else ' with inherit true, set true' end
  from pg_catalog.pg_roles where rolname = current_user and not rolsuper
\gexec
alter database :"DBNAME" owner to muniment_owner;
revoke all on database :"DBNAME" from public;
grant connect, temporary on database :"DBNAME" to muniment_service;  -- temporary: `projections verify` folds the log into one
grant connect on database :"DBNAME" to muniment_reader;
revoke all on schema public from public;
grant usage on schema public to muniment_service;                    -- the schema's version is kept there
commit;

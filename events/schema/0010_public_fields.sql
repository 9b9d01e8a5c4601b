-- What people may read of an event in SQL: its fields as they were stored, without what service/audit/event_fields.py leaves out.
-- It takes text, and answers null for what jsonb cannot hold (U+0000): one such event must not end a query over many.
create function log.without_secrets(value jsonb) returns jsonb language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp as $$
begin
  case jsonb_typeof(value)
    when 'object' then
      return (select coalesce(jsonb_object_agg(o.key, log.without_secrets(o.value)), '{}') from jsonb_each(value) as o
               where o.key not in ('hash', 'imported', 'token_hash', 'code_challenge', 'profile', 'password', 'kept', 'device'));
    when 'array' then
      return (select coalesce(jsonb_agg(log.without_secrets(a.value) order by a.number), '[]')
                from jsonb_array_elements(value) with ordinality as a (value, number));
    else
      return value;
  end case;
end $$;
create function log.public_fields(data bytea) returns jsonb language plpgsql immutable parallel safe
  security definer set search_path = pg_catalog, pg_temp as $$
begin
  return log.without_secrets(convert_from(data, 'UTF8')::jsonb - 'type');
exception
  when data_exception then return null;
end $$;
revoke all on function log.without_secrets, log.public_fields from public;
grant execute on function log.public_fields to muniment_service, muniment_reader;

-- Times in the log never run backwards, so this index is as small as a few pages, and costs an append nothing.
create index events_recorded_at on log.events using brin (recorded_at) with (pages_per_range = 32);

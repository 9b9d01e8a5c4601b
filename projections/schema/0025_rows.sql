-- The inline projections of a batch (events/schema/0013_rows.sql), as before from the tables' own columns: its rows are one value, which is parsed
-- once. rows -> table has `new` rows, of streams that begin, so that nothing need be looked for; `changed` rows, and the streams of those that are `gone`.
create or replace procedure log.generate_project() language plpgsql set search_path = pg_catalog, pg_temp as $generator$
declare
  body text := '';
  one record;
begin
  for one in
    select t.relname as name,
           string_agg(format('%I', a.attname), ', ' order by a.attnum) as columns,
           string_agg(coalesce(pg_get_expr(d.adbin, d.adrelid), format('null::%s', format_type(a.atttypid, a.atttypmod))), ', ' order by a.attnum) as defaults,
           string_agg(format('%1$I = excluded.%1$I', a.attname), ', ' order by a.attnum) filter (where a.attname <> 'stream_id') as replaced
      from pg_class t
      join pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
      left join pg_attrdef d on d.adrelid = t.oid and d.adnum = a.attnum
     where t.relnamespace = 'read'::regnamespace and t.relkind = 'r' and t.relname !~ '_(rebuilt|replaced)$'
       and exists (select from pg_index i join pg_attribute k on k.attrelid = i.indrelid and k.attnum = i.indkey[0]
                    where i.indrelid = t.oid and i.indisprimary and i.indnkeyatts = 1 and k.attname = 'stream_id')
     group by t.oid, t.relname order by t.relname
  loop
    -- A new row without a column gets its default. A changed one without a column was written by a process of the version before, which
    -- does not know it: it keeps its value.
    body := body || format($table$
  if rows ? %1$L then
    if rows -> %1$L ? 'gone' then
      delete from read.%1$I as t using jsonb_array_elements_text(rows -> %1$L -> 'gone') as g (stream) where t.stream_id = g.stream::uuid;
    end if;
    if rows -> %1$L ? 'changed' then
      insert into read.%1$I as t (%2$s)
        select r.* from jsonb_array_elements(rows -> %1$L -> 'changed') as c (row),
               jsonb_populate_record(coalesce((select k from read.%1$I k where k.stream_id = (c.row ->> 'stream_id')::uuid), row(%3$s)::read.%1$I), c.row) as r
      on conflict (stream_id) do update set %4$s;
    end if;
    if rows -> %1$L ? 'new' then
      insert into read.%1$I (%2$s) select r.* from jsonb_populate_recordset(row(%3$s)::read.%1$I, rows -> %1$L -> 'new') as r;
    end if;
  end if;$table$, one.name, one.columns, one.defaults, one.replaced);
  end loop;
  execute format($function$
create or replace function log.project(rows jsonb) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $body$
begin%s
end $body$$function$, body);
end $generator$;
call log.generate_project();
revoke all on function log.project(jsonb) from public;
grant execute on function log.project(jsonb) to muniment_service;

-- As the version before calls it.
create or replace function log.project(tables text[], streams uuid[], changed jsonb[]) returns void
language sql set search_path = pg_catalog, pg_temp as $$
  select log.project(jsonb_object_agg(t.name, t.rows))
    from (select c.name, jsonb_build_object('changed', coalesce(jsonb_agg(c.row) filter (where c.row is not null), '[]'),
                                            'gone', coalesce(jsonb_agg(c.stream) filter (where c.row is null), '[]')) as rows
            from unnest(tables, streams, changed) as c (name, stream, row) group by c.name) as t;
$$;

-- What is checked pairs the arrays element by element, and what is stored is taken from them by number. Only of arrays of one dimension
-- that begin at 1 do both see the same: else an item's events could be put into another stream, with versions that do not follow there.
alter function log.append_events(uuid[], int[], uuid[], bytea[], bytea[], int[], int[], smallint[], text[], bytea[], bytea[]) rename to append_counted;
revoke all on function log.append_counted from public, muniment_service;

create function log.append_events(
  i_stream uuid[], i_expected int[], i_command uuid[], i_fingerprint bytea[], i_response bytea[],
  e_item int[], e_version int[], e_schema smallint[], e_type text[], e_meta bytea[], e_data bytea[],
  out base bigint, out st int[], out sv int[], out sp bigint[])
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if (1 = all (array[array_ndims(i_stream), array_lower(i_stream, 1), array_ndims(i_expected), array_lower(i_expected, 1),
                     array_ndims(e_item), array_lower(e_item, 1), array_ndims(e_version), array_lower(e_version, 1)])
      and (i_command is null or 1 = all (array[array_ndims(i_command), array_lower(i_command, 1)]))
      and (i_fingerprint is null or 1 = all (array[array_ndims(i_fingerprint), array_lower(i_fingerprint, 1)]))
      and (i_response is null or 1 = all (array[array_ndims(i_response), array_lower(i_response, 1)]))) is not true then
    raise exception 'nothing was appended: the arrays are not of one dimension that begins at 1' using errcode = 'invalid_parameter_value';
  end if;
  select r.base, r.st, r.sv, r.sp into base, st, sv, sp
    from log.append_counted(i_stream, i_expected, i_command, i_fingerprint, i_response,
                            e_item, e_version, e_schema, e_type, e_meta, e_data) as r;
end $$;
revoke all on function log.append_events(uuid[], int[], uuid[], bytea[], bytea[], int[], int[], smallint[], text[], bytea[], bytea[]) from public;
grant execute on function log.append_events(uuid[], int[], uuid[], bytea[], bytea[], int[], int[], smallint[], text[], bytea[], bytea[]) to muniment_service;

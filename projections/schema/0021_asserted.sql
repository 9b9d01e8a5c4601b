-- Finds what followed from a trusted issuer: the authorizations by its assertions in the order of time, and the clients of workloads.
create index authorizations_asserted on read.authorizations (asserted_by, stream_id) where asserted_by is not null;
create index clients_of_workloads on read.clients (stream_id) where security ? 'workload_identities';

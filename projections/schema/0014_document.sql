-- The metadata document of a client whose client_id is the document's URL; null is any other client.
alter table read.clients add column document jsonb;
call log.generate_project();

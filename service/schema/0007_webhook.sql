-- How far each endpoint to which events are pushed has confirmed them. `sent_upto` ends the batch that is under way: a repeated batch
-- is the same one, so that its receiver recognizes it.
create schema push authorization muniment_service;
create table push.checkpoints (
  name      text   not null primary key,
  position  bigint not null,
  sent_upto bigint not null check (sent_upto >= position)
);
alter table push.checkpoints owner to muniment_service;

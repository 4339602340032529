-- Where an event stands among all: given after its transaction has committed, so that no event ever appears before one
-- that has been read (src/db/event-positions.ts). Null until then.
create sequence event_position;
alter table outbox_event add column position bigint unique;
create index outbox_event_unplaced on outbox_event (id) where position is null;
create index outbox_event_placed on outbox_event (tenant_id, position) where position is not null;

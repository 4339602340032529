-- Workers wait for this to give new events their positions (src/operations/event-placer.ts). PostgreSQL tells of it at
-- commit, and once per transaction.
create function tell_of_written_events() returns trigger language plpgsql as $$
begin
  perform pg_notify('undrop_events_written', '');
  return null;
end $$;
create trigger written after insert on outbox_event for each statement execute function tell_of_written_events();

create index outbox_event_of_resource on outbox_event (resource_id, position) where position is not null;
create index outbox_event_of_addon on outbox_event ((payload ->> 'addonId'), position) where position is not null;
create index outbox_event_age on outbox_event (created_at) where position is not null;

-- Up to where events of a tenant, or of the platform's own, have been removed because of their age: who has read less
-- has missed some.
create table pruned_events (
  tenant_id text references tenant,
  position bigint not null
);
create unique index pruned_events_of_owner on pruned_events (coalesce(tenant_id, ''));
call build_wall('pruned_events');

-- What was last told of how far a restore is, and when: see src/operations/restore/tell-progress.ts.
alter table restore add column progress_told jsonb, add column progress_told_at timestamptz;

create index audit_entry_of_resource on audit_entry (resource_id, id);
create index audit_entry_of_key on audit_entry (api_key_id, id);

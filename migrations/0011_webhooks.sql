-- Webhooks: where tenants and the platform are told of events, and every delivery of one.

-- tenant_id is null for an endpoint of the platform, which is told of the events of all tenants.
create table webhook_endpoint (
  id text primary key,
  tenant_id text references tenant,
  url text not null,
  description text not null default '',
  event_types text[] not null,
  enabled boolean not null default true,
  -- Why Undrop has disabled it; null when its owner has, and while it is enabled.
  disabled_reason text check (disabled_reason in ('gone', 'failing')),
  disabled_at timestamptz,
  -- Deliveries have been made up of all events up to this position.
  position bigint not null,
  -- Since when nothing but failures has come of it; null after a success.
  failing_since timestamptz,
  -- It has asked to be left alone until then (Retry-After).
  paused_until timestamptz,
  -- When deliveries of it were last taken up: those that have waited longest come first.
  claimed_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index webhook_endpoint_of_tenant on webhook_endpoint (tenant_id, id);
call build_wall('webhook_endpoint');

create table webhook_secret (
  id text primary key,
  endpoint_id text not null references webhook_endpoint on delete cascade,
  tenant_id text references tenant,
  -- Sealed: see src/secrets/key-ring.ts.
  secret_sealed text not null,
  created_at timestamptz not null default now(),
  -- It has been replaced, and signs until then.
  expires_at timestamptz
);
create index webhook_secret_of_endpoint on webhook_secret (endpoint_id, id);
call build_wall('webhook_secret');

-- One event for one endpoint. It holds what is sent, so that it can be sent again however old the event is.
create table webhook_delivery (
  id text primary key,
  endpoint_id text not null references webhook_endpoint on delete cascade,
  tenant_id text references tenant,
  event_position bigint not null,
  event_type text not null,
  resource_id text not null,
  data jsonb not null,
  occurred_at timestamptz not null,
  -- `waiting` for an earlier event of the same resource. Of one resource at most one delivery is `pending`.
  status text not null check (status in ('waiting', 'pending', 'succeeded', 'failed')),
  attempts integer not null default 0,
  -- While an attempt is under way, the end of its lease.
  next_attempt_at timestamptz,
  lease_token uuid,
  first_attempted_at timestamptz,
  last_attempted_at timestamptz,
  last_status_code integer,
  last_error text,
  last_response text,
  last_duration_milliseconds integer,
  created_at timestamptz not null,
  finished_at timestamptz
);
create unique index webhook_delivery_once on webhook_delivery (endpoint_id, event_position);
create unique index webhook_delivery_one_pending on webhook_delivery (endpoint_id, resource_id) where status = 'pending';
create index webhook_delivery_of_endpoint on webhook_delivery (endpoint_id, id);
create index webhook_delivery_by_status on webhook_delivery (endpoint_id, status, id);
create index webhook_delivery_by_type on webhook_delivery (endpoint_id, event_type, id);
create index webhook_delivery_waiting on webhook_delivery (endpoint_id, resource_id, event_position) where status = 'waiting';
create index webhook_delivery_due on webhook_delivery (endpoint_id, next_attempt_at) where status = 'pending';
create index webhook_delivery_underway on webhook_delivery (endpoint_id) where lease_token is not null;
create index webhook_delivery_failed on webhook_delivery (endpoint_id, created_at) where status = 'failed';
create index webhook_delivery_age on webhook_delivery (created_at);
call build_wall('webhook_delivery');

-- Endpoints of the platform have events, which belong to no tenant.
alter table outbox_event alter column tenant_id drop not null;

-- Bodies that the object store does not have yet: written in the transaction that names them, deleted
-- when the object is there. Either a node has the body in its staging folder, or it stands here.
CREATE TABLE pending_uploads (
  object_key      text COLLATE "C" PRIMARY KEY,
  account_id      bigint NOT NULL,
  size_bytes      bigint NOT NULL,
  instance_id     text,
  body            bytea,
  created_at      timestamptz NOT NULL DEFAULT now(),
  -- Grows with every message that names the body: who uploads deletes only the row that it has seen.
  generation      bigint NOT NULL DEFAULT 1,
  attempts        integer NOT NULL DEFAULT 0,
  next_attempt_at timestamptz NOT NULL DEFAULT now(),
  leased_by       text,
  lease_until     timestamptz,
  last_error      text,
  CHECK (instance_id IS NOT NULL OR body IS NOT NULL)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE pending_uploads ALTER COLUMN body SET STORAGE EXTERNAL;
CREATE INDEX pending_uploads_due ON pending_uploads (instance_id, next_attempt_at);
CREATE INDEX pending_uploads_bodies ON pending_uploads (next_attempt_at) WHERE body IS NOT NULL;

-- Whose manifests those in the object store are that this database writes: one row, made with the first.
CREATE TABLE manifest_epoch (
  single boolean PRIMARY KEY DEFAULT true CHECK (single),
  epoch  text COLLATE "C" NOT NULL
);

-- What has been written of a mailbox. No foreign keys: the objects of what was purged are removed by this.
CREATE TABLE manifest_progress (
  mailbox_id     bigint PRIMARY KEY,
  account_id     bigint NOT NULL,
  written_modseq bigint NOT NULL DEFAULT 0,
  written_at     timestamptz,
  base_bytes     bigint NOT NULL DEFAULT 0,
  delta_bytes    bigint NOT NULL DEFAULT 0,
  -- The base and the deltas behind it.
  objects        text[] NOT NULL DEFAULT '{}',
  -- To be deleted: replaced, or perhaps put by somebody who did not come to the end.
  obsolete       text[] NOT NULL DEFAULT '{}',
  leased_until   timestamptz
);

CREATE TABLE manifest_accounts (
  account_id bigint PRIMARY KEY,
  -- SHA-256 of what was written.
  digest     text,
  objects    text[] NOT NULL DEFAULT '{}',
  obsolete   text[] NOT NULL DEFAULT '{}',
  written_ms bigint NOT NULL DEFAULT 0,
  checked_at timestamptz NOT NULL DEFAULT now()
);

-- Accounts that were made from what the object store says, by primary address. Unfinished: a rebuild goes
-- on with them, and no manifest is written that would say less than those they are made from.
CREATE TABLE rebuilt_accounts (
  address     text COLLATE "C" PRIMARY KEY,
  started_at  timestamptz NOT NULL DEFAULT now(),
  finished_at timestamptz,
  -- Of the databases whose manifests were taken over, and are of no use any more.
  epochs      text[] NOT NULL DEFAULT '{}'
);

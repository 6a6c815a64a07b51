-- One row per mailbox: an UPDATE of it is the lock of the mailbox, allocates UIDs and the MODSEQ,
-- and keeps the counters, in the same transaction as the message rows.
CREATE TABLE mailboxes (
  id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  account_id     bigint NOT NULL REFERENCES accounts,
  name           text COLLATE "C" NOT NULL,
  -- The name without case: what is unique, and what a subtree is a range of.
  name_key       text COLLATE "C" NOT NULL,
  uid_validity   bigint NOT NULL CHECK (uid_validity BETWEEN 1 AND 4294967295),
  uid_next       bigint NOT NULL DEFAULT 1 CHECK (uid_next BETWEEN 1 AND 4294967296),
  highest_modseq bigint NOT NULL DEFAULT 1,
  messages       bigint NOT NULL DEFAULT 0 CHECK (messages >= 0),
  unseen         bigint NOT NULL DEFAULT 0 CHECK (unseen >= 0),
  size_bytes     bigint NOT NULL DEFAULT 0 CHECK (size_bytes >= 0),
  recent_uid     bigint NOT NULL DEFAULT 1,
  special_use    text,
  keywords       text[] NOT NULL DEFAULT '{}',
  created_at     timestamptz NOT NULL DEFAULT now(),
  deleted_at     timestamptz
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);
CREATE UNIQUE INDEX mailboxes_name ON mailboxes (account_id, name_key) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX mailboxes_special_use ON mailboxes (account_id, special_use)
  WHERE deleted_at IS NULL AND special_use IS NOT NULL;
CREATE INDEX mailboxes_deleted ON mailboxes (deleted_at) WHERE deleted_at IS NOT NULL;

-- The highest UIDVALIDITY that a name ever had, and which mailbox had it: it must grow when the
-- name is used for another one.
CREATE TABLE uid_validities (
  account_id   bigint NOT NULL REFERENCES accounts,
  name_key     text COLLATE "C" NOT NULL,
  uid_validity bigint NOT NULL,
  mailbox_id   bigint NOT NULL,
  PRIMARY KEY (account_id, name_key)
);

-- Names, not mailboxes: RFC 3501 §6.3.6 lets a subscription outlive its mailbox.
CREATE TABLE subscriptions (
  account_id bigint NOT NULL REFERENCES accounts,
  name       text COLLATE "C" NOT NULL,
  name_key   text COLLATE "C" NOT NULL,
  PRIMARY KEY (account_id, name_key)
);

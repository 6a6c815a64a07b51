-- How far the bodies of a mailbox have been read again, and when all of them were.
CREATE TABLE scrub_progress (
  mailbox_id   bigint PRIMARY KEY REFERENCES mailboxes ON DELETE CASCADE,
  read_uid     bigint NOT NULL DEFAULT 0,
  finished_at  timestamptz,
  leased_until timestamptz
);

-- Bodies that were not what they have to be when they were read last.
CREATE TABLE damaged_bodies (
  object_key text COLLATE "C" PRIMARY KEY,
  account_id bigint NOT NULL,
  -- missing, size, hash or unreadable
  damage     text NOT NULL,
  found_at   timestamptz NOT NULL DEFAULT now()
);

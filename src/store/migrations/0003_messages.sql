-- What never changes about a message. No foreign key to mailboxes: every insert happens under the
-- lock of the mailbox row, and a key check would cost each of them another lock.
CREATE TABLE messages (
  mailbox_id     bigint NOT NULL,
  uid            bigint NOT NULL,
  created_modseq bigint NOT NULL,
  internal_date  timestamptz NOT NULL,
  saved_at       timestamptz NOT NULL DEFAULT now(),
  sent_date      timestamptz,
  size_bytes     bigint NOT NULL,
  header_bytes   integer NOT NULL,
  -- SHA-256 of the message as it is stored, and the key of its object up to that hash.
  hash           bytea NOT NULL,
  object_key     text NOT NULL,
  message_id     text,
  in_reply_to    text,
  -- Message-IDs, oldest first, separated by spaces.
  reference_ids  text,
  -- Decoded text, for searching and sorting.
  subject        text NOT NULL,
  base_subject   text NOT NULL,
  from_text      text NOT NULL,
  to_text        text NOT NULL,
  cc_text        text NOT NULL,
  bcc_text       text NOT NULL,
  -- Rendered for IMAP: one character per octet.
  envelope       text NOT NULL,
  body_structure text NOT NULL,
  structure      text NOT NULL,
  -- The header block; null when it is too large to be kept here.
  header         bytea,
  PRIMARY KEY (mailbox_id, uid)
);
-- The columns of a list view stay in the row itself; the header moves out of it, uncompressed.
ALTER TABLE messages ALTER COLUMN header SET STORAGE EXTERNAL;

-- What changes, for live messages only: narrow rows, cheap to rewrite.
CREATE TABLE message_state (
  mailbox_id bigint NOT NULL,
  uid        bigint NOT NULL,
  modseq     bigint NOT NULL,
  flags      integer NOT NULL,
  keywords   text[],
  PRIMARY KEY (mailbox_id, uid)
) WITH (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.1,
  autovacuum_vacuum_insert_scale_factor = 0.05);
CREATE INDEX message_state_modseq ON message_state (mailbox_id, modseq);
CREATE INDEX message_state_unseen ON message_state (mailbox_id, uid) WHERE flags & 1 = 0;
CREATE INDEX message_state_deleted ON message_state (mailbox_id, uid) WHERE flags & 8 = 8;

-- Where the state of a message goes when it is expunged. Its row in `messages` stays for the grace
-- period (a moved message has none: the row went along); this one stays for QRESYNC.
CREATE TABLE expunged_messages (
  mailbox_id  bigint NOT NULL,
  uid         bigint NOT NULL,
  modseq      bigint NOT NULL,
  flags       integer NOT NULL,
  keywords    text[],
  moved       boolean NOT NULL,
  expunged_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (mailbox_id, uid)
);
CREATE INDEX expunged_messages_modseq ON expunged_messages (mailbox_id, modseq);

-- By what a redelivery is recognised.
CREATE TABLE deliveries (
  mailbox_id   bigint NOT NULL,
  key          bytea NOT NULL,
  uid          bigint NOT NULL,
  delivered_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (mailbox_id, key)
);
CREATE INDEX deliveries_age ON deliveries USING brin (delivered_at);

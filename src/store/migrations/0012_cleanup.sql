-- When a message had come into the mailbox that it was moved out of or expunged from, and where it was
-- moved to: so it can be told what a mailbox held at some time. Null in older rows.
ALTER TABLE expunged_messages ADD COLUMN saved_at timestamptz;
ALTER TABLE expunged_messages ADD COLUMN moved_to bigint;
ALTER TABLE expunged_messages ADD COLUMN moved_uid bigint;
-- The cleaner has begun to remove the row in `messages` and perhaps its body: it cannot be restored any
-- more. Once that is done, `moved` is true, as of any other whose row is not here.
ALTER TABLE expunged_messages ADD COLUMN purging boolean NOT NULL DEFAULT false;
-- By age, each row in one of them: those whose rows in `messages` are still there, and tombstones.
CREATE INDEX expunged_messages_unpurged ON expunged_messages (expunged_at, mailbox_id, uid)
  WHERE NOT moved;
CREATE INDEX expunged_messages_tombstones ON expunged_messages (expunged_at) WHERE moved;

-- The same for everything in a deleted mailbox, and of a deleted account.
ALTER TABLE mailboxes ADD COLUMN purging boolean NOT NULL DEFAULT false;
ALTER TABLE accounts ADD COLUMN purging boolean NOT NULL DEFAULT false;
CREATE INDEX mailboxes_purging ON mailboxes (id) WHERE purging;
CREATE INDEX accounts_deleted ON accounts (deleted_at) WHERE deleted_at IS NOT NULL;

-- Who needs a body? WHY hash: four octets for each message, where a tree would keep all 32.
CREATE INDEX messages_hash ON messages USING hash (hash);

-- Hashes of purged messages, whose texts may be needed by no other message of the account.
CREATE TABLE stale_texts (
  account_id bigint NOT NULL,
  hash       bytea NOT NULL,
  PRIMARY KEY (account_id, hash)
);

-- A mailbox of a domain's shared tree: it belongs to an account like any other (its bodies, octets and
-- quota), but its name is the domain's. The key of such a name is "/<domain>/<name>", which no key of
-- a personal one can be, so it takes no name from its owner.
ALTER TABLE mailboxes ADD COLUMN domain text COLLATE "C";
-- Somebody besides the owner has rows in `viewers`; set for good with the first of them.
ALTER TABLE mailboxes ADD COLUMN has_viewers boolean NOT NULL DEFAULT false;
CREATE UNIQUE INDEX mailboxes_shared_name ON mailboxes (name_key)
  WHERE deleted_at IS NULL AND domain IS NOT NULL;

-- One row for each domain that ever had a shared mailbox: the lock of its tree.
CREATE TABLE shared_trees (
  domain text COLLATE "C" PRIMARY KEY
);

-- UIDVALIDITYs of shared names stand under account 0: they outlive their owner.
ALTER TABLE uid_validities DROP CONSTRAINT uid_validities_account_id_fkey;

-- Who may do what, RFC 4314. account_id 0: anyone in `domain`, which is null for accounts. The owner
-- of a personal mailbox has no row: all rights are always the owner's.
CREATE TABLE mailbox_acls (
  mailbox_id bigint NOT NULL,
  account_id bigint NOT NULL,
  domain     text COLLATE "C",
  rights     text COLLATE "C" NOT NULL CHECK (rights ~ '^[lrswipkxtea]+$'),
  PRIMARY KEY (mailbox_id, account_id),
  CHECK ((account_id = 0) = (domain IS NOT NULL))
);
CREATE INDEX mailbox_acls_account ON mailbox_acls (account_id) WHERE account_id <> 0;
CREATE INDEX mailbox_acls_domain ON mailbox_acls (domain) WHERE domain IS NOT NULL;

-- \Seen as it is for one who is not the owner of the mailbox; no row: not seen. `modseq` is that of
-- the viewer's last change. Only live messages have rows.
CREATE TABLE seen_states (
  mailbox_id bigint NOT NULL,
  account_id bigint NOT NULL,
  uid        bigint NOT NULL,
  modseq     bigint NOT NULL,
  seen       boolean NOT NULL,
  PRIMARY KEY (mailbox_id, uid, account_id)
) WITH (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.1,
  autovacuum_vacuum_insert_scale_factor = 0.05);
-- "+ 0", so that a planner without statistics never looks for one message in it.
CREATE INDEX seen_states_modseq ON seen_states (mailbox_id, (account_id + 0), modseq);

-- How many messages somebody has seen: kept with `seen_states`, under the lock of the mailbox row.
CREATE TABLE viewers (
  mailbox_id bigint NOT NULL,
  account_id bigint NOT NULL,
  seen       bigint NOT NULL DEFAULT 0 CHECK (seen >= 0),
  PRIMARY KEY (mailbox_id, account_id)
);
CREATE INDEX viewers_account ON viewers (account_id);

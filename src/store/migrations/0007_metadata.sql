-- Annotations, RFC 5464. mailbox_id 0: of the server, not of a mailbox. account_id 0: shared by all
-- who may see the mailbox; otherwise private to that account. A mailbox has a new id whenever it is
-- created, so what belonged to a deleted one of the same name is never seen again.
CREATE TABLE metadata (
  mailbox_id bigint NOT NULL,
  account_id bigint NOT NULL,
  -- Whose limits count it: the account, or the mailbox's owner.
  owner_id   bigint NOT NULL REFERENCES accounts,
  -- Lower case, "/private/…" or "/shared/…".
  name       text COLLATE "C" NOT NULL,
  value      bytea NOT NULL,
  PRIMARY KEY (mailbox_id, account_id, name)
);
CREATE INDEX metadata_owner ON metadata (owner_id);

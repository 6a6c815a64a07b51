-- For searching in texts. Both extensions are trusted ones: whoever may create objects in the
-- database may create them.
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS btree_gin;

-- The decoded, folded text of each message that an account has, once, however many copies there are.
CREATE TABLE message_texts (
  account_id bigint NOT NULL,
  hash       bytea NOT NULL,
  -- The text parts.
  body_text  text COLLATE "C" NOT NULL,
  -- The header, and what the parts are called and described by.
  rest_text  text COLLATE "C" NOT NULL,
  -- There is more than what stands here.
  truncated  boolean NOT NULL,
  PRIMARY KEY (account_id, hash)
);
-- Entries are merged many at a time, by the job that writes them: a quarter of the work.
CREATE INDEX message_texts_body ON message_texts
  USING gin (account_id, body_text gin_trgm_ops) WITH (fastupdate = on);
CREATE INDEX message_texts_rest ON message_texts
  USING gin (account_id, rest_text gin_trgm_ops) WITH (fastupdate = on);
CREATE INDEX message_texts_truncated ON message_texts (account_id, hash) WHERE truncated;

-- Up to which UID every message of a mailbox has its text.
CREATE TABLE search_progress (
  mailbox_id  bigint PRIMARY KEY,
  indexed_uid bigint NOT NULL DEFAULT 0
);

-- Folded from now on, as they are compared.
UPDATE messages SET subject = normalize(upper(subject), NFKD),
  from_text = normalize(upper(from_text), NFKD), to_text = normalize(upper(to_text), NFKD),
  cc_text = normalize(upper(cc_text), NFKD), bcc_text = normalize(upper(bcc_text), NFKD);

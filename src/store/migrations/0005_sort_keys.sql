-- Folded texts that SORT compares, in the order of message/sort_keys.ts: mailbox parts of the first
-- From, To and Cc address, display names of the first From and To address. Null in older rows.
ALTER TABLE messages ADD COLUMN sort_keys text[];
-- The subject has a reply or forward mark, RFC 5256 section 3. Null in older rows.
ALTER TABLE messages ADD COLUMN is_reply boolean;

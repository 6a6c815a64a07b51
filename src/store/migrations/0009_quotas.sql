-- What each account uses and may use. Usage changes in the transaction that adds or removes the
-- messages, behind the locks of the mailbox rows; null limits nothing. Mailboxes are counted where
-- they are created.
CREATE TABLE quotas (
  account_id      bigint PRIMARY KEY REFERENCES accounts,
  storage_used    bigint NOT NULL DEFAULT 0,
  messages_used   bigint NOT NULL DEFAULT 0,
  storage_limit   bigint CHECK (storage_limit >= 0),
  messages_limit  bigint CHECK (messages_limit >= 0),
  mailboxes_limit bigint CHECK (mailboxes_limit >= 0),
  -- The highest percentage that the user was warned at, since usage was below it.
  warned_percent  integer NOT NULL DEFAULT 0
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);

INSERT INTO quotas (account_id, storage_used, messages_used)
SELECT accounts.id, coalesce(sum(size_bytes), 0), coalesce(sum(messages), 0)
FROM accounts LEFT JOIN mailboxes
  ON mailboxes.account_id = accounts.id AND mailboxes.deleted_at IS NULL
GROUP BY accounts.id;

-- The new usage, or an error that undoes the whole statement.
CREATE FUNCTION within_quota(used bigint, quota_limit bigint) RETURNS bigint
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  IF used > quota_limit THEN
    RAISE EXCEPTION 'quota exceeded' USING ERRCODE = 'SQ001';
  END IF;
  RETURN used;
END
$$;

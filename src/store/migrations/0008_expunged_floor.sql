-- Of messages expunged at or below this MODSEQ, rows in expunged_messages may have been cleaned up:
-- who cleans up raises it first, to the highest MODSEQ that goes, in the same transaction.
ALTER TABLE mailboxes ADD COLUMN expunged_floor bigint NOT NULL DEFAULT 0;

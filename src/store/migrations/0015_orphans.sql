-- How far the cleaner's look for objects that nobody needs has come: one row, made with the first look.
CREATE TABLE orphan_sweep (
  single      boolean PRIMARY KEY DEFAULT true CHECK (single),
  -- Which database this was: another one after a restore from a backup, or a failover.
  database    text COLLATE "C" NOT NULL,
  -- The last key that was looked at; null: none is under way.
  place       text COLLATE "C",
  finished_at timestamptz NOT NULL DEFAULT now()
);

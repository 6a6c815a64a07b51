-- Whoever mail is kept for. A deleted account keeps its rows, and its addresses, until it is purged.
CREATE TABLE accounts (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  created_at timestamptz NOT NULL DEFAULT now(),
  deleted_at timestamptz
);

-- The addresses of an account: lower case, without +detail. Exactly one of them is primary.
CREATE TABLE credentials (
  id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  account_id    bigint NOT NULL REFERENCES accounts,
  address       text COLLATE "C" NOT NULL UNIQUE,
  password_hash text NOT NULL,
  is_primary    boolean NOT NULL,
  created_at    timestamptz NOT NULL DEFAULT now(),
  updated_at    timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX credentials_primary ON credentials (account_id) WHERE is_primary;
CREATE INDEX credentials_account ON credentials (account_id);
-- Pages of accounts by primary address, in one domain or in all.
CREATE INDEX credentials_listed ON credentials (address) WHERE is_primary;
CREATE INDEX credentials_domain ON credentials (split_part(address, '@', 2), address)
  WHERE is_primary;

-- Sessions that outlive their termination: they keep whoever waits for them waiting, and operators must know of them.

CREATE TABLE stuck_sessions (
  server_id uuid NOT NULL REFERENCES servers (id) ON DELETE CASCADE,
  pid integer NOT NULL,
  -- Of the session, so that another one with the same process id is told apart.
  started_at timestamptz NOT NULL,
  role_name text NOT NULL,
  database_name text NOT NULL,
  -- When it was found to live on.
  noticed_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (server_id, pid, started_at)
);

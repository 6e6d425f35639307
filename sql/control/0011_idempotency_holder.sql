-- Who holds an Idempotency-Key: proves that a request still has it, however often its lock was renewed.
ALTER TABLE idempotency_keys ADD COLUMN held_by uuid;

#!lua flags=allow-oom
-- Writes a key's text unless there is one. KEYS: 1 the outbox. ARGV: 1 the key, 2 the text.
-- Returns nothing when it was written, and else the text that stands.
if redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2]) == 1 then return false end
return redis.call('HGET', KEYS[1], ARGV[1])

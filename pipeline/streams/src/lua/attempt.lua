#!lua flags=allow-oom
-- Counts an attempt to apply a frame, also at the memory limit.
-- KEYS: 1 the hash of attempts. ARGV: 1 the frame. Returns how many there were, this included.
return redis.call('HINCRBY', KEYS[1], ARGV[1], 1)

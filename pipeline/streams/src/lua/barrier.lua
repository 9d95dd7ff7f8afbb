#!lua flags=allow-oom
-- Writes a mark into a slot, so that WAIT has something to wait for that comes after all that
-- the slot's server has, also at the memory limit. KEYS: 1 the mark. ARGV: 1 who sets it.
return redis.call('SET', KEYS[1], ARGV[1])

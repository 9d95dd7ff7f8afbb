-- Says that a planned run is due, once, and only for the leader.
--
-- KEYS: 1 what every key begins with. ARGV: 1 the leader's nonce, 2 the plan's name, 3 the planned
-- instant in ms, 4 the last run that the caller knows of, or ''.
-- Returns `ok`, `before` when it was said already, or `deposed`.
local P = KEYS[1]
if redis.call('GET', P .. 'leader') ~= ARGV[1] then return 'deposed' end
local last = redis.call('HGET', P .. 'schedule', ARGV[2]) or ''
if last ~= ARGV[4] then return 'before' end
redis.call('HSET', P .. 'schedule', ARGV[2], ARGV[3])
return 'ok'

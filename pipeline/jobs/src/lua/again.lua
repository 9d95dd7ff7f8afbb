-- Puts a job that ended into its queue again, with all its attempts.
--
-- KEYS: 1 what every key begins with. ARGV: 1 identity.
-- Returns the state that it had, or nothing for an unknown job. One that has not ended is left.
local P, id = KEYS[1], ARGV[1]
local job = P .. 'job:' .. id
local known = redis.call('HMGET', job, 'state', 'queue', 'priority', 'unique')
local state = known[1]
if not state then return false end
if state == 'dead' or state == 'cancelled' or state == 'done' then
  redis.call('PERSIST', job)
  redis.call('ZREM', P .. 'dead', id)
  redis.call('HDEL', job, 'ended_ms', 'cancel', 'result', 'progress', 'error')
  if known[4] ~= '' then redis.call('HSETNX', P .. 'unique', known[4], id) end
  local stream = P .. 'queue:' .. known[2] .. ':' .. known[3]
  local entry = redis.call('XADD', stream, '*', 'job', id)
  redis.call('HSET', job, 'state', 'queued', 'attempt', '0', 'entry', entry)
end
return state

-- Cancels a job: at once where it waits, at its next sign of life where it runs.
--
-- KEYS: 1 what every key begins with. ARGV: 1 identity, 2 how long ended jobs are kept, ms.
-- Returns the state that it had, or nothing for an unknown job.
local P, id = KEYS[1], ARGV[1]
local job = P .. 'job:' .. id
local known = redis.call('HMGET', job, 'state', 'queue', 'priority', 'entry', 'unique')
local state = known[1]
if not state then return false end
if state == 'running' then
  redis.call('HSET', job, 'cancel', '1')
elseif state == 'queued' or state == 'waiting' then
  local now = redis.call('TIME')
  local now_ms = now[1] * 1000 + math.floor(now[2] / 1000)
  if known[4] then
    local stream = P .. 'queue:' .. known[2] .. ':' .. known[3]
    redis.call('XACK', stream, 'workers', known[4])
    redis.call('XDEL', stream, known[4])
  end
  redis.call('ZREM', P .. 'waiting', id)
  if known[5] ~= '' then redis.call('HDEL', P .. 'unique', known[5]) end
  redis.call('HSET', job, 'state', 'cancelled', 'ended_ms', string.format('%d', now_ms))
  redis.call('XADD', P .. 'ended', 'MAXLEN', '~', 10000, '*', 'job', id)
  redis.call('PEXPIRE', job, ARGV[2])
end
return state

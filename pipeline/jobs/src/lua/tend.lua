-- Puts what has waited long enough into its queue, and takes runs from workers that went away.
--
-- KEYS: 1 what every key begins with. ARGV: 1 most jobs of each kind.
-- Returns how many were queued, how many were taken from workers, and how many of these are dead.
local P = KEYS[1]
local now = redis.call('TIME')
local now_ms = now[1] * 1000 + math.floor(now[2] / 1000)
local function queue(id, known)
  local stream = P .. 'queue:' .. known[1] .. ':' .. known[2]
  local entry = redis.call('XADD', stream, '*', 'job', id)
  redis.call('HSET', P .. 'job:' .. id, 'state', 'queued', 'entry', entry)
end

local due = redis.call('ZRANGEBYSCORE', P .. 'waiting', '-inf', now_ms, 'LIMIT', 0, ARGV[1])
for _, id in ipairs(due) do
  redis.call('ZREM', P .. 'waiting', id)
  local known = redis.call('HMGET', P .. 'job:' .. id, 'queue', 'priority', 'state')
  if known[3] == 'waiting' then queue(id, known) end
end

local lost = redis.call('ZRANGEBYSCORE', P .. 'running', '-inf', now_ms, 'LIMIT', 0, ARGV[1])
local dead = 0
for _, id in ipairs(lost) do
  redis.call('ZREM', P .. 'running', id)
  local job = P .. 'job:' .. id
  local known = redis.call('HMGET', job, 'queue', 'priority', 'state', 'stream', 'entry',
    'attempt', 'attempts_max', 'unique', 'cancel')
  if known[3] == 'running' then
    redis.call('XACK', known[4], 'workers', known[5])
    redis.call('XDEL', known[4], known[5])
    redis.call('HINCRBY', job, 'fence', 1)
    if not known[9] and tonumber(known[6]) < tonumber(known[7]) then
      redis.call('HSET', job, 'error', 'the worker that ran it went away')
      queue(id, known)
    else
      local state = known[9] and 'cancelled' or 'dead'
      redis.call('HSET', job, 'state', state, 'ended_ms', string.format('%d', now_ms), 'error',
        'the worker that ran it went away, attempt ' .. known[6] .. ' of ' .. known[7])
      if known[8] ~= '' then redis.call('HDEL', P .. 'unique', known[8]) end
      redis.call('XADD', P .. 'ended', 'MAXLEN', '~', 10000, '*', 'job', id)
      if state == 'dead' then redis.call('ZADD', P .. 'dead', now_ms, id) end
      dead = dead + 1
    end
  end
end
return { #due, #lost, dead }

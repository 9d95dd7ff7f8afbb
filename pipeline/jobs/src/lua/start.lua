-- Begins jobs that were handed out: each gets a new fence, and a deadline.
--
-- KEYS: 1 what every key begins with.
-- ARGV: 1 owner, 2 lease ms; then for each: identity, stream, entry.
-- Returns for each {identity, fence, attempt, kind, arguments, timeout ms, planned ms, attempts,
-- first pause ms}, and nothing for one that is not to be begun: it ended, was cancelled, is being
-- run, or was put into the queue anew.
local P = KEYS[1]
local now = redis.call('TIME')
local now_ms = now[1] * 1000 + math.floor(now[2] / 1000)
local deadline = string.format('%d', now_ms + tonumber(ARGV[2]))
local begun, deadlines = {}, {}
for at = 3, #ARGV, 3 do
  local id, stream, entry = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  local job = P .. 'job:' .. id
  local known = redis.call('HMGET', job, 'state', 'entry', 'attempt', 'fence', 'kind', 'args',
    'timeout_ms', 'planned_ms', 'attempts_max', 'pause_ms')
  if known[2] ~= entry then
    redis.call('XACK', stream, 'workers', entry)
    redis.call('XDEL', stream, entry)
  elseif known[1] == 'queued' then
    local attempt, fence = tonumber(known[3]) + 1, tonumber(known[4]) + 1
    redis.call('HSET', job, 'state', 'running', 'owner', ARGV[1], 'attempt', attempt,
      'fence', fence, 'started_ms', string.format('%d', now_ms))
    deadlines[#deadlines + 1] = deadline
    deadlines[#deadlines + 1] = id
    begun[#begun + 1] = { id, fence, attempt, known[5], known[6], tonumber(known[7]),
      known[8], tonumber(known[9]), tonumber(known[10]) }
  end
end
if #deadlines > 0 then redis.call('ZADD', P .. 'running', unpack(deadlines)) end
return begun

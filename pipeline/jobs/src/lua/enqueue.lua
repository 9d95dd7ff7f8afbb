-- Puts jobs into their queues, each unique one once.
--
-- KEYS: 1 what every key begins with; all lie in one slot.
-- ARGV: for each job: identity, kind, queue, priority, arguments, unique key or '', milliseconds
--       to wait, attempts, timeout ms, first pause ms, planned instant ms or ''.
-- Returns for each the job that stands: itself, or the one of the same unique key.
local P = KEYS[1]
local now = redis.call('TIME')
local now_ms = now[1] * 1000 + math.floor(now[2] / 1000)
local stand, queues = {}, {}
for at = 1, #ARGV, 11 do
  local id, kind, queue, priority = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
  local unique = ARGV[at + 5]
  local standing = unique ~= '' and redis.call('HGET', P .. 'unique', unique)
  if standing then
    stand[#stand + 1] = standing
  elseif redis.call('EXISTS', P .. 'job:' .. id) == 1 then
    stand[#stand + 1] = id
  else
    local job = P .. 'job:' .. id
    queues[queue] = true
    local wait = tonumber(ARGV[at + 6])
    local stream = P .. 'queue:' .. queue .. ':' .. priority
    -- A small hash is searched from its beginning: what is asked for often stands there.
    local fields = { 'state', wait > 0 and 'waiting' or 'queued', 'attempt', '0', 'fence', '0',
      'stream', stream, 'attempts_max', ARGV[at + 7], 'unique', unique, 'kind', kind,
      'args', ARGV[at + 4], 'timeout_ms', ARGV[at + 8], 'planned_ms', ARGV[at + 10],
      'pause_ms', ARGV[at + 9], 'queue', queue, 'priority', priority,
      'enqueued_ms', string.format('%d', now_ms) }
    if wait > 0 then
      redis.call('ZADD', P .. 'waiting', now_ms + wait, id)
    else
      fields[#fields + 1] = 'entry'
      fields[#fields + 1] = redis.call('XADD', stream, '*', 'job', id)
    end
    redis.call('HSET', job, unpack(fields))
    if unique ~= '' then redis.call('HSET', P .. 'unique', unique, id) end
    stand[#stand + 1] = id
  end
end
for queue in pairs(queues) do redis.call('SADD', P .. 'queues', queue) end
return stand

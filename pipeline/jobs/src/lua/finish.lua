-- Ends runs of jobs, each only if its fence is the job's: a worker that was given up changes
-- nothing.
--
-- KEYS: 1 what every key begins with.
-- ARGV: 1 how long ended jobs are kept, ms; then for each: identity, fence, outcome, text, ms to
--       wait. The outcome is `done` (the text is the result), `failed` (an error; again after the
--       wait, or dead when there is no attempt left), `refused` (an error; dead), `cancelled`, or
--       `returned` (as if it had not been begun).
-- Returns for each the state that it has now, or `stale`.
local P = KEYS[1]
local now = redis.call('TIME')
local now_ms = now[1] * 1000 + math.floor(now[2] / 1000)
local states = {}
-- What the jobs of one call have in common is said to Redis once: entries by stream, identities.
local entries_of, ended, released = {}, {}, {}
for at = 2, #ARGV, 5 do
  local id, outcome, text = ARGV[at], ARGV[at + 2], ARGV[at + 3]
  local job = P .. 'job:' .. id
  local known = redis.call('HMGET', job, 'fence', 'state', 'stream', 'entry', 'attempt',
    'attempts_max', 'unique')
  if known[1] ~= ARGV[at + 1] or known[2] ~= 'running' then
    states[#states + 1] = 'stale'
  else
    local entries = entries_of[known[3]] or {}
    entries_of[known[3]] = entries
    entries[#entries + 1] = known[4]
    ended[#ended + 1] = id
    local state = outcome
    if outcome == 'refused' then state = 'dead' end
    if outcome == 'failed' then
      state = tonumber(known[5]) < tonumber(known[6]) and 'waiting' or 'dead'
    end
    if outcome == 'returned' then
      local entry = redis.call('XADD', known[3], '*', 'job', id)
      redis.call('HSET', job, 'state', 'queued', 'entry', entry, 'attempt',
        tonumber(known[5]) - 1)
      state = 'queued'
    elseif state == 'waiting' then
      redis.call('HSET', job, 'state', state, 'error', text)
      redis.call('ZADD', P .. 'waiting', now_ms + tonumber(ARGV[at + 4]), id)
    else
      local field = state == 'done' and 'result' or 'error'
      redis.call('HSET', job, 'state', state, field, text, 'ended_ms',
        string.format('%d', now_ms))
      -- A first attempt has no error of an earlier one.
      if state == 'done' and known[5] ~= '1' then redis.call('HDEL', job, 'error') end
      if known[7] ~= '' then released[#released + 1] = known[7] end
      redis.call('XADD', P .. 'ended', 'MAXLEN', '~', 10000, '*', 'job', id)
      if state == 'dead' then
        redis.call('ZADD', P .. 'dead', now_ms, id)
      else
        redis.call('PEXPIRE', job, ARGV[1])
      end
    end
    states[#states + 1] = state
  end
end
for stream, entries in pairs(entries_of) do
  redis.call('XACK', stream, 'workers', unpack(entries))
  redis.call('XDEL', stream, unpack(entries))
end
if #ended > 0 then redis.call('ZREM', P .. 'running', unpack(ended)) end
if #released > 0 then redis.call('HDEL', P .. 'unique', unpack(released)) end
return states

#!lua flags=allow-oom
-- Writes what follows from a batch of frames and acknowledges it: all of it or nothing.
--
-- Redis keeps what a failing script wrote, so everything is validated before the first write.
-- The script may pass the memory limit (allow-oom): a stage that acknowledges makes room.
--
-- KEYS: 1 input stream, 2 output stream, 3 stream of dead letters, 4 fence, 5 state,
--       6 attempts, 7 quarantine, 8… cached views.
-- ARGV: 1 group, 2 counter, 3 nonce, 4 how many frames; then
--       for each frame: ID, number of events, their lines, number of letters, their lines;
--       how many state values, then field and value of each; how many fields gone, then each;
--       for each cached view: its seconds to live, 1 where they are to begin anew, how many
--       values, field and value of each, how many fields gone, then each;
--       how many frames are quarantined, then ID and reason of each.
-- Returns {'ok'}, {'fenced'}, {'not_head', expected, found} or {'refused', key, id, reason}.
local frames = tonumber(ARGV[4])

local fence = redis.call('HMGET', KEYS[4], 'counter', 'nonce')
if fence[1] ~= ARGV[2] or fence[2] ~= ARGV[3] then return { 'fenced' } end

-- A dead owner's blocked read may have been handed frames that nobody processed: the batch must
-- be the head of what is pending, with nothing left out.
local pending = redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', frames)
local ids, letters = {}, false
local at = 5
for i = 1, frames do
  ids[i] = ARGV[at]
  if not pending[i] or pending[i][1] ~= ids[i] then
    return { 'not_head', ids[i], pending[i] and pending[i][1] or 'nothing' }
  end
  if ARGV[at + 3] ~= '0' then letters = true end
  at = at + 5
end

local function parts(id)
  local ms, seq = string.match(id, '^(%d+)-(%d+)$')
  return tonumber(ms), tonumber(seq)
end

-- Letters are rare, so their stream is asked for its end; outputs are not, so that the first of
-- them is the first write, and what it is refused for has changed nothing.
if letters and redis.call('EXISTS', KEYS[3]) == 1 then
  local info = redis.call('XINFO', 'STREAM', KEYS[3])
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then
      local last_ms, last_seq = parts(info[i + 1])
      for frame = 1, frames do
        local ms, seq = parts(ids[frame])
        if ARGV[5 + (frame - 1) * 5 + 3] ~= '0'
          and (ms < last_ms or (ms == last_ms and seq <= last_seq)) then
          return { 'refused', KEYS[3], ids[frame], 'the stream ends at ' .. info[i + 1] }
        end
      end
    end
  end
end

for i = 1, frames do
  local frame = 5 + (i - 1) * 5
  if ARGV[frame + 1] ~= '0' then
    local added = redis.pcall('XADD', KEYS[2], ids[i], 'n', ARGV[frame + 1], 'd', ARGV[frame + 2])
    if type(added) == 'table' and added.err then
      return { 'refused', KEYS[2], ids[i], added.err }
    end
  end
end
if letters then
  for i = 1, frames do
    local frame = 5 + (i - 1) * 5
    if ARGV[frame + 3] ~= '0' then
      redis.call('XADD', KEYS[3], ids[i], 'n', ARGV[frame + 3], 'd', ARGV[frame + 4])
    end
  end
end

-- Lua's stack bounds how many values a call may be given.
local CHUNK = 1000
local function each_chunk(command, key, first, count)
  local last, changed = first + count - 1, 0
  while first <= last do
    local till = math.min(first + CHUNK - 1, last)
    changed = changed + redis.call(command, key, unpack(ARGV, first, till))
    first = till + 1
  end
  return changed
end
-- Returns whether all fields are new, as they are where the key was not there.
local function hash(key)
  local values = tonumber(ARGV[at])
  local added = each_chunk('HSET', key, at + 1, 2 * values)
  at = at + 1 + 2 * values
  local gone = tonumber(ARGV[at])
  each_chunk('HDEL', key, at + 1, gone)
  at = at + 1 + gone
  return added == values
end

hash(KEYS[5])
for view = 8, #KEYS do
  local ttl, anew = ARGV[at], ARGV[at + 1]
  at = at + 2
  if hash(KEYS[view]) or anew == '1' then redis.call('EXPIRE', KEYS[view], ttl) end
end
local quarantined = tonumber(ARGV[at])
each_chunk('HSET', KEYS[7], at + 1, 2 * quarantined)

if redis.call('EXISTS', KEYS[6]) == 1 then redis.call('HDEL', KEYS[6], unpack(ids)) end
redis.call('XACK', KEYS[1], ARGV[1], unpack(ids))
return { 'ok' }

-- Writes what follows from a batch of frames and acknowledges it: all of it or nothing.
--
-- A second part may follow: what the next stage makes of the frames that the first part writes.
-- It is written along with it where that stage has taken everything that was there before; its
-- group then goes past frames that it was never handed. Where it has not, or another owns it, the
-- first part is written alone, and the frames wait for the stage as always.
--
-- Redis keeps what a failing script wrote, so everything is validated before the first write.
-- The script may pass the memory limit (allow-oom): a stage that acknowledges makes room.
--
-- KEYS: for each part: 1 input stream, 2 output stream, 3 stream of dead letters, 4 fence,
--       5 state, 6 attempts, 7 quarantine, 8… cached views.
-- ARGV: for each part: 1 group, 2 counter, 3 nonce, 4 how many frames; then
--       for each frame: ID, number of events, their lines, number of letters, their lines;
--       the state's hash; the hash of each cached view;
--       how many frames are quarantined, then ID and reason of each.
--       At the end: up to where the second part's stage has taken its input, as far as it knows,
--       and where the part begins in KEYS and in ARGV, 0 where there is none.
-- Returns {'ok'}, {'apart'} where the first part alone was written, {'fenced'},
-- {'not_head', expected, found} or {'refused', key, id, reason}.
local INPUT, OUTPUT, DEAD, FENCE, STATE, ATTEMPTS, QUARANTINE, VIEWS = 0, 1, 2, 3, 4, 5, 6, 7
local EVENTS, LETTERS = 1, 3

local function part_of(key, first_arg, last_key)
  local part = { key = key, last_key = last_key, group = ARGV[first_arg], ids = {} }
  part.counter, part.nonce = ARGV[first_arg + 1], ARGV[first_arg + 2]
  part.frames, part.first = tonumber(ARGV[first_arg + 3]), first_arg + 4
  for frame = 1, part.frames do part.ids[frame] = ARGV[part.first + (frame - 1) * 5] end
  return part
end

-- A value of a frame of a part, by its place after the frame's ID.
local function value(part, frame, place) return ARGV[part.first + (frame - 1) * 5 + place] end

local function is_fenced(part)
  local fence = redis.call('HMGET', KEYS[part.key + FENCE], 'counter', 'nonce')
  return fence[1] ~= part.counter or fence[2] ~= part.nonce
end

local function parts(id)
  local ms, seq = string.match(id, '^(%d+)-(%d+)$')
  return tonumber(ms), tonumber(seq)
end
local function is_after(id, other)
  local ms, seq = parts(id)
  local other_ms, other_seq = parts(other)
  return ms > other_ms or (ms == other_ms and seq > other_seq)
end

local function end_of(key)
  local info = redis.call('XINFO', 'STREAM', key)
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then return info[i + 1] end
  end
end

-- The first frame of a part with something for a stream, where the stream ends at or behind it.
local function stands_in_the_way(part, stream, place)
  for frame = 1, part.frames do
    if value(part, frame, place) ~= '0' then
      local key = KEYS[part.key + stream]
      local ends = redis.call('EXISTS', key) == 1 and end_of(key)
      if ends and not is_after(part.ids[frame], ends) then return part.ids[frame], ends end
      return
    end
  end
end

-- Whether a part's group is where its stage thinks, at the end of what its stream holds, and done
-- with all of it. Who takes it along may know of a loss of the server's that the stage has not
-- heard of.
local function is_caught_up(part, after)
  local input = KEYS[part.key + INPUT]
  local groups = redis.pcall('XINFO', 'GROUPS', input)
  if groups.err then return false end
  for _, fields in ipairs(groups) do
    local group = {}
    for i = 1, #fields, 2 do group[fields[i]] = fields[i + 1] end
    if group.name == part.group then
      return group['last-delivered-id'] == after and group.pending == 0
        and is_after(part.ids[1], after)
        and #redis.call('XRANGE', input, '(' .. after, '+', 'COUNT', 1) == 0
    end
  end
  return false
end

local second_key, second_arg = tonumber(ARGV[#ARGV - 1]), tonumber(ARGV[#ARGV])
local first = part_of(1, 1, second_key > 0 and second_key - 1 or #KEYS)

if is_fenced(first) then return { 'fenced' } end
-- A dead owner's blocked read may have been handed frames that nobody processed: the batch must
-- be the head of what is pending, with nothing left out.
local pending = redis.call('XPENDING', KEYS[INPUT + 1], first.group, '-', '+', first.frames)
for frame = 1, first.frames do
  if not pending[frame] or pending[frame][1] ~= first.ids[frame] then
    return { 'not_head', first.ids[frame], pending[frame] and pending[frame][1] or 'nothing' }
  end
end
-- Letters are rare, so their stream is asked for its end; outputs are not, so that the first of
-- them is the first write, and what it is refused for has changed nothing.
local id, ends = stands_in_the_way(first, DEAD, LETTERS)
if id then return { 'refused', KEYS[DEAD + 1], id, 'the stream ends at ' .. ends } end

local second = second_key > 0 and part_of(second_key, second_arg, #KEYS)
if second and (is_fenced(second) or not is_caught_up(second, ARGV[#ARGV - 2])
    or stands_in_the_way(second, OUTPUT, EVENTS) or stands_in_the_way(second, DEAD, LETTERS)) then
  second = nil
end

-- Returns the first ID that was refused, and why.
local function append(part, stream, place)
  local key = KEYS[part.key + stream]
  for frame = 1, part.frames do
    local count, lines = value(part, frame, place), value(part, frame, place + 1)
    if count ~= '0' then
      local added = redis.pcall('XADD', key, part.ids[frame], 'n', count, 'd', lines)
      if type(added) == 'table' and added.err then return part.ids[frame], added.err end
    end
  end
end

-- Writes everything of a part but its events.
local function write(part)
  local id, reason = append(part, DEAD, LETTERS)
  if id then error(reason) end
  at = part.first + part.frames * 5
  write_hash(KEYS[part.key + STATE])
  write_views(part.key + VIEWS, part.last_key)
  each_chunk('HSET', KEYS[part.key + QUARANTINE], at + 1, 2 * tonumber(ARGV[at]))
  local attempts = KEYS[part.key + ATTEMPTS]
  if redis.call('EXISTS', attempts) == 1 then redis.call('HDEL', attempts, unpack(part.ids)) end
end

local refused, why = append(first, OUTPUT, EVENTS)
if refused then return { 'refused', KEYS[OUTPUT + 1], refused, why } end
write(first)
redis.call('XACK', KEYS[INPUT + 1], first.group, unpack(first.ids))

if second then
  -- How many entries the group has read is left unknown: what Redis 7.0 writes to its file of a
  -- read does not raise a number that is there, and the lag would be wrong after a restart.
  -- Whoever may not move a group goes on as always.
  local moved = redis.pcall('XGROUP', 'SETID', KEYS[second.key + INPUT], second.group,
    second.ids[second.frames])
  if type(moved) == 'table' and moved.err then second = nil end
end
if second then
  local id, reason = append(second, OUTPUT, EVENTS)
  if id then error(reason) end
  write(second)
end
return { (second or second_key == 0) and 'ok' or 'apart' }

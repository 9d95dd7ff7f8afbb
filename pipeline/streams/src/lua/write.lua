-- What the scripts of commits have in common: how they read what is to be written from ARGV, of
-- which `at` is the next. Stands before each of them.
local at

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

-- How many values, field and value of each; how many fields gone, then each.
-- Returns whether all fields are new, as they are where the key was not there.
local function write_hash(key)
  local values = tonumber(ARGV[at])
  local added = each_chunk('HSET', key, at + 1, 2 * values)
  at = at + 1 + 2 * values
  local gone = tonumber(ARGV[at])
  each_chunk('HDEL', key, at + 1, gone)
  at = at + 1 + gone
  return added == values
end

-- For each cached view: its seconds to live, 1 where they are to begin anew, then its hash.
local function write_views(first, last)
  for view = first, last do
    local ttl, anew = ARGV[at], ARGV[at + 1]
    at = at + 2
    if write_hash(KEYS[view]) or anew == '1' then redis.call('EXPIRE', KEYS[view], ttl) end
  end
end

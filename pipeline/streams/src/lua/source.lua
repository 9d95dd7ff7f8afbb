#!lua
-- Makes a writer the owner of a source in one partition. An owner before it is fenced off: what
-- it still has on the way is refused.
--
-- KEYS: 1 the source's hash. ARGV: 1 a nonce of this acquisition.
-- A counter alone could be given out twice, after the server lost its last second.
-- Returns the fence, the number of the last batch, the position of its last event, and the fence
-- of the owner before ('' for none).
local before = redis.call('HGET', KEYS[1], 'fence') or ''
local counter = redis.call('HINCRBY', KEYS[1], 'counter', 1)
local fence = string.format('%d-%s', counter, ARGV[1])
redis.call('HSET', KEYS[1], 'fence', fence)
return {
  fence,
  redis.call('HGET', KEYS[1], 'batch') or '0',
  redis.call('HGET', KEYS[1], 'position') or '',
  before,
}

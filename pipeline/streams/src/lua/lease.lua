#!lua flags=allow-oom
-- Takes, renews and gives back the right to run a stage over a slot.
--
-- KEYS: 1 the fence's hash: counter, nonce, owner, deadline (ms by this server's clock).
-- ARGV: 1 'take', 'renew' or 'give_back'; 2 the owner; 3 the nonce; 4 the lease's length, ms.
-- The hash has no TTL: it must not go away while someone believes in it. Safety rests on
-- counter and nonce, which each commit shows; the deadline only decides how soon another may
-- take over.
-- Returns {'ok', counter, ms left} or {'held', owner, ms left} or {'lost'}.
local now = redis.call('TIME')
local now_ms = now[1] * 1000 + math.floor(now[2] / 1000)
local held = redis.call('HMGET', KEYS[1], 'nonce', 'owner', 'deadline', 'counter')
local length = tonumber(ARGV[4])

if ARGV[1] == 'take' then
  local left = tonumber(held[3] or '0') - now_ms
  if left > 0 and held[2] ~= '' and held[2] ~= ARGV[2] then return { 'held', held[2], left } end
  local counter = redis.call('HINCRBY', KEYS[1], 'counter', 1)
  redis.call('HSET', KEYS[1], 'nonce', ARGV[3], 'owner', ARGV[2],
    'deadline', string.format('%d', now_ms + length))
  return { 'ok', counter, length }
end

if held[1] ~= ARGV[3] then return { 'lost' } end
if ARGV[1] == 'renew' then
  redis.call('HSET', KEYS[1], 'deadline', string.format('%d', now_ms + length))
  return { 'ok', tonumber(held[4]), length }
end
redis.call('HSET', KEYS[1], 'owner', '', 'deadline', '0', 'nonce', '')
return { 'ok', tonumber(held[4]), 0 }

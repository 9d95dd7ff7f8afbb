-- Says that runs are alive, and how far they are.
--
-- KEYS: 1 what every key begins with.
-- ARGV: 1 lease ms; then for each: identity, fence, progress (0..1) or ''.
-- Returns for each `ok`, `cancel` when someone asks to end it, or `lost`.
local P = KEYS[1]
local now = redis.call('TIME')
local now_ms = now[1] * 1000 + math.floor(now[2] / 1000)
local answers = {}
for at = 2, #ARGV, 3 do
  local id = ARGV[at]
  local job = P .. 'job:' .. id
  local known = redis.call('HMGET', job, 'fence', 'state', 'cancel')
  if known[1] ~= ARGV[at + 1] or known[2] ~= 'running' then
    answers[#answers + 1] = 'lost'
  else
    redis.call('ZADD', P .. 'running', now_ms + tonumber(ARGV[1]), id)
    if ARGV[at + 2] ~= '' then redis.call('HSET', job, 'progress', ARGV[at + 2]) end
    answers[#answers + 1] = known[3] and 'cancel' or 'ok'
  end
end
return answers

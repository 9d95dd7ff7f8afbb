#!lua flags=allow-oom
-- Says that a process is alive and who else is.
--
-- KEYS: 1 the hash of members: name to deadline (ms by this server's clock).
-- ARGV: 1 the name; 2 for how long, in ms; 0 for a process that leaves.
-- Returns the names of all that are alive, in order.
local now = redis.call('TIME')
local now_ms = now[1] * 1000 + math.floor(now[2] / 1000)
if ARGV[2] == '0' then
  redis.call('HDEL', KEYS[1], ARGV[1])
else
  redis.call('HSET', KEYS[1], ARGV[1], string.format('%d', now_ms + ARGV[2]))
end
local alive = {}
local members = redis.call('HGETALL', KEYS[1])
for i = 1, #members, 2 do
  if tonumber(members[i + 1]) >= now_ms then
    alive[#alive + 1] = members[i]
  else
    redis.call('HDEL', KEYS[1], members[i])
  end
end
table.sort(alive)
return alive

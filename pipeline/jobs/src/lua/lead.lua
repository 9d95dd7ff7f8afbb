-- Makes a scheduler the leader, or keeps it so.
--
-- KEYS: 1 what every key begins with. ARGV: 1 nonce, 2 length ms, 3 'keep' or 'leave'.
-- Returns 1 while the caller leads.
local key = KEYS[1] .. 'leader'
local leader = redis.call('GET', key)
if leader and leader ~= ARGV[1] then return 0 end
if ARGV[3] == 'leave' then
  redis.call('DEL', key)
  return 0
end
redis.call('SET', key, ARGV[1], 'PX', ARGV[2])
return 1

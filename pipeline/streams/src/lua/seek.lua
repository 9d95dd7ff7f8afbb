#!lua flags=allow-oom
-- Lets a group read on after an entry and forgets what is pending, at once: a read that is
-- blocked meanwhile may be handed entries before or after this, and never has one forgotten that
-- it was handed after.
--
-- KEYS: 1 the stream. ARGV: 1 the group, 2 the entry.
repeat
  local pending = redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', 1000)
  for _, entry in ipairs(pending) do redis.call('XACK', KEYS[1], ARGV[1], entry[1]) end
until #pending == 0
redis.call('XGROUP', 'SETID', KEYS[1], ARGV[1], ARGV[2])
return 'OK'

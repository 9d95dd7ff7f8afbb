#!lua flags=allow-oom
-- Makes a group that reads a stream from its beginning, where there is none yet. A script,
-- because a stage must be able to begin at the memory limit: it makes room.
--
-- KEYS: 1 the stream. ARGV: 1 the group.
local made = redis.pcall('XGROUP', 'CREATE', KEYS[1], ARGV[1], '0', 'MKSTREAM')
if type(made) == 'table' and made.err and not string.find(made.err, 'BUSYGROUP') then
  return made
end
return 'OK'

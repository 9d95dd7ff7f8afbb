-- Writes what follows from a batch of frames that lie in another slot: all of it or nothing.
--
-- The frames cannot be acknowledged here, so the last one taken from their partition is kept
-- beside the state: what was taken is never taken again, and nothing is passed over, because
-- the writer shows from where it went on.
--
-- KEYS: 1 output stream, 2 stream of dead letters, 3 fence, 4 state, 5 offsets, 6 attempts,
--       7 quarantine, 8… cached views.
-- ARGV: 1 counter, 2 nonce, 3 partition, 4 the offset before, 5 the offset after,
--       6 number of events, 7 their lines, 8 addresses of the frames taken, in order,
--       9 number of letters, 10 their lines, 11 why the frames are quarantined, '' where they
--       are not; then state and cached views as in the commit.
-- Returns {'ok', ID or ''}, {'fenced'} or {'moved', offset found}.
local fence = redis.call('HMGET', KEYS[3], 'counter', 'nonce')
if fence[1] ~= ARGV[1] or fence[2] ~= ARGV[2] then return { 'fenced' } end
local offset = redis.call('HGET', KEYS[5], ARGV[3]) or '0-0'
if offset ~= ARGV[4] then return { 'moved', offset } end

-- Also a batch without events is written down, for its place in the order of arrival.
local id = redis.call('XADD', KEYS[1], '*', 'n', ARGV[6], 'd', ARGV[7], 'c', ARGV[8])
if ARGV[9] ~= '0' then redis.call('XADD', KEYS[2], '*', 'n', ARGV[9], 'd', ARGV[10]) end
redis.call('HSET', KEYS[5], ARGV[3], ARGV[5])
local attempted = redis.call('EXISTS', KEYS[6]) == 1
if attempted or ARGV[11] ~= '' then
  for frame in string.gmatch(ARGV[8], '%S+') do
    if attempted then redis.call('HDEL', KEYS[6], frame) end
    if ARGV[11] ~= '' then redis.call('HSET', KEYS[7], frame, ARGV[11]) end
  end
end

at = 12
write_hash(KEYS[4])
write_views(8, #KEYS)
return { 'ok', id }

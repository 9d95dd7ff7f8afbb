#!lua
-- Appends frames to the feed, each batch number once and in order.
--
-- KEYS: 1 the feed, 2 the source's hash.
-- ARGV: 1 the fence, 2 the number of the first frame's batch, then for each frame: how many
--       events, their lines, and the position of the last one ('' for none).
-- Returns {'ok', last batch, ID or '' for each frame}: '' where the batch was there already,
-- which is the answer that a writer looks for after it lost one; {'fenced', its fence or ''} when
-- the source has another owner; {'gap', last batch} when batches before the first are missing,
-- because the server lost them. There is no allow-oom flag: at the memory limit facts wait.
local held = redis.call('HMGET', KEYS[2], 'fence', 'batch')
if held[1] ~= ARGV[1] then return { 'fenced', held[1] or '' } end
local last = tonumber(held[2] or '0')
local first = tonumber(ARGV[2])
if first > last + 1 then return { 'gap', last } end

local answer = { 'ok', last }
local position = ''
local batch = first
for at = 3, #ARGV, 3 do
  if batch <= last then
    answer[#answer + 1] = ''
  else
    answer[#answer + 1] = redis.call('XADD', KEYS[1], '*', 'n', ARGV[at], 'd', ARGV[at + 1])
    position = ARGV[at + 2]
    last = batch
  end
  batch = batch + 1
end
if last ~= answer[2] then
  redis.call('HSET', KEYS[2], 'batch', string.format('%d', last))
  if position ~= '' then redis.call('HSET', KEYS[2], 'position', position) end
  answer[2] = last
end
return answer

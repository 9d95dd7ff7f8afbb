#!lua
-- Says whether a source speaks for a book on a match, and lets it if it may.
--
-- KEYS: 1 the match's claims: book to rank, deadline (ms by this server's clock) and source.
-- ARGV: 1 the book, 2 the source's rank (0 is the first), 3 the source, 4 for how long, in ms.
-- Returns 1 when it speaks, 0 when another does that ranks higher or came before.
local now = redis.call('TIME')
local now_ms = now[1] * 1000 + math.floor(now[2] / 1000)
local held = redis.call('HGET', KEYS[1], ARGV[1])
if held then
  local rank, deadline, source = string.match(held, '^(%d+) (%d+) (.*)$')
  local another = source ~= ARGV[3] and tonumber(deadline) >= now_ms
  if another and tonumber(rank) <= tonumber(ARGV[2]) then return 0 end
end
local deadline = string.format('%d', now_ms + ARGV[4])
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ' ' .. deadline .. ' ' .. ARGV[3])
redis.call('PEXPIRE', KEYS[1], 10 * ARGV[4])
return 1

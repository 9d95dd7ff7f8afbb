#!lua
-- Puts a fact into the feed that replaces a dead letter, and marks the letter as dealt with.
--
-- KEYS: 1 the feed, 2 the hash of letters dealt with.
-- ARGV: 1 the letter's address, 2 the mark, 3 the fact's line.
-- Returns the fact's entry ID, or nothing when the letter was dealt with already.
if redis.call('HSETNX', KEYS[2], ARGV[1], ARGV[2]) == 0 then return false end
return redis.call('XADD', KEYS[1], '*', 'n', '1', 'd', ARGV[3])

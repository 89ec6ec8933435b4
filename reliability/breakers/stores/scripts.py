"""What Redis does in one step each. All times are on its own clock, which is kept from going back."""

from __future__ import annotations

from typing import Final

# KEYS[1]: hash of the clock. ARGV[1]: seconds added to it, 0 but in tests. A clock that was set back goes on from
# where it was: no wait that has begun takes longer because of it.
_CLOCK: Final = """
local parts = redis.call('TIME')
local now = tonumber(parts[1]) + tonumber(parts[2]) / 1000000 + tonumber(ARGV[1])
local behind = tonumber(redis.call('HGET', KEYS[1], 'behind') or '0')
local last = tonumber(redis.call('HGET', KEYS[1], 'last') or '0')
if now + behind < last then
  behind = last - now
  redis.call('HSET', KEYS[1], 'behind', string.format('%.6f', behind))
end
now = now + behind
if now - last >= 0.001 then redis.call('HSET', KEYS[1], 'last', string.format('%.6f', now)) end
local shown = string.format('%.6f', now)
"""

# KEYS: clock, then a state each. Returns the time, then the states.
READ: Final = (
    _CLOCK
    + """
local found = {shown}
for at = 2, #KEYS do found[at] = redis.call('GET', KEYS[at]) or '' end
return found
"""
)

# KEYS: clock, state, revision, log. ARGV: offset, what is kept, what is to be kept, name, 1 when the generation is
# another one, entries of the log that are kept. The log is for whoever writes history down; it loses nothing as long
# as somebody reads it before it is full.
SWAP: Final = (
    _CLOCK
    + """
if (redis.call('GET', KEYS[2]) or '') ~= ARGV[2] then return {shown, 0} end
redis.call('SET', KEYS[2], ARGV[3])
if ARGV[5] == '1' then
  local revision = redis.call('INCR', KEYS[3])
  redis.call('XADD', KEYS[4], 'MAXLEN', '~', ARGV[6], '*', 'name', ARGV[4], 'at', shown, 'before', ARGV[2],
             'after', ARGV[3])
  redis.call('PUBLISH', KEYS[3], ARGV[4])
end
return {shown, 1}
"""
)

# KEYS: revision, changes. ARGV: name, what a person has changed of its rules.
CHANGE: Final = """
if ARGV[2] == '' then redis.call('HDEL', KEYS[2], ARGV[1]) else redis.call('HSET', KEYS[2], ARGV[1], ARGV[2]) end
redis.call('INCR', KEYS[1])
redis.call('PUBLISH', KEYS[1], ARGV[1])
return 1
"""

# KEYS: clock, revision, what processes say, when they said it, declarations. ARGV: offset, process, what it says,
# seconds after which one that says nothing is forgotten, how many breakers are only named, then pairs of a breaker's
# name and its rules: first of those that are only named, which are kept where there are none, then of the declared.
BEAT: Final = (
    _CLOCK
    + """
redis.call('HSET', KEYS[3], ARGV[2], ARGV[3])
redis.call('ZADD', KEYS[4], shown, ARGV[2])
local named = 6 + 2 * tonumber(ARGV[5])
for at = 6, #ARGV, 2 do redis.call(at < named and 'HSETNX' or 'HSET', KEYS[5], ARGV[at], ARGV[at + 1]) end
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', KEYS[4], '-inf', now - tonumber(ARGV[4]))) do
  redis.call('HDEL', KEYS[3], gone)
  redis.call('ZREM', KEYS[4], gone)
end
return redis.call('GET', KEYS[2]) or '0'
"""
)

# KEYS: clock, state, evidence (a prefix), traffic (a prefix). ARGV: offset, generation, window in seconds, slice in
# seconds, host, calls, failed, slow, row, rejected, seconds of a part of the traffic, seconds it is kept, then pairs
# of a step of latency and calls. Evidence is kept by generation: nothing of an earlier state speaks for this one.
# Returns the time, the state, the failures in a row and on how many hosts, then host, calls, failed, slow of each
# host - of none while nothing was bad within the window.
TELL: Final = (
    _CLOCK
    + """
local state = redis.call('GET', KEYS[2]) or ''
local gen = 1
local readable, decoded = pcall(cjson.decode, state)
if readable and type(decoded) == 'table' and tonumber(decoded.gen) then gen = tonumber(decoded.gen) end
local calls, failed, slow = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local part = KEYS[4] .. string.format('%d', math.floor(now / ARGV[11]) * ARGV[11])
if calls > 0 or ARGV[10] ~= '0' then
  redis.call('HINCRBY', part, 'calls', calls)
  redis.call('HINCRBY', part, 'failed', failed)
  redis.call('HINCRBY', part, 'slow', slow)
  redis.call('HINCRBY', part, 'rejected', ARGV[10])
  for at = 13, #ARGV, 2 do redis.call('HINCRBY', part, 't' .. ARGV[at], ARGV[at + 1]) end
  redis.call('EXPIRE', part, ARGV[12])
end
local prefix = KEYS[3] .. string.format('%d', gen) .. ':'
local window, slice = tonumber(ARGV[3]), tonumber(ARGV[4])
local number = math.floor(now / slice)
local kept = math.ceil(window * 2)
local row = tonumber(redis.call('GET', prefix .. 'row') or '0')
if gen == tonumber(ARGV[2]) and calls > 0 then
  local key = prefix .. string.format('%d', number)
  redis.call('HINCRBY', key, 'c' .. ARGV[5], calls)
  if failed > 0 then redis.call('HINCRBY', key, 'f' .. ARGV[5], failed) end
  if slow > 0 then redis.call('HINCRBY', key, 's' .. ARGV[5], slow) end
  redis.call('EXPIRE', key, kept)
  if calls == failed then
    row = row + failed
  else
    row = tonumber(ARGV[9])
    redis.call('DEL', prefix .. 'rowhosts')
  end
  redis.call('SET', prefix .. 'row', row, 'EX', 86400)
  if row > 0 then
    redis.call('SADD', prefix .. 'rowhosts', ARGV[5])
    redis.call('EXPIRE', prefix .. 'rowhosts', 86400)
  end
  if failed > 0 or slow > 0 then redis.call('SET', prefix .. 'bad', 1, 'EX', kept) end
end
local found = {shown, state, row, redis.call('SCARD', prefix .. 'rowhosts')}
if redis.call('EXISTS', prefix .. 'bad') == 0 then return found end
local sums, names = {}, {}
for at = number - 9, number do
  local fields = redis.call('HGETALL', prefix .. string.format('%d', at))
  for index = 1, #fields, 2 do
    local kind, host = string.sub(fields[index], 1, 1), string.sub(fields[index], 2)
    if not sums[host] then sums[host] = {c = 0, f = 0, s = 0}; names[#names + 1] = host end
    sums[host][kind] = sums[host][kind] + tonumber(fields[index + 1])
  end
end
for _, host in ipairs(names) do
  local sum = sums[host]
  found[#found + 1] = host
  found[#found + 1] = sum.c
  found[#found + 1] = sum.f
  found[#found + 1] = sum.s
end
return found
"""
)

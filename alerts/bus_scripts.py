"""The two steps that the event bus takes in Redis, each atomic: Lua, for Redis and Valkey from 7.0 on.

Both begin with the epoch, a random word that is set once in an empty server: where it is not the one that the caller
knows, the server has lost its data, and nothing is done until the caller has put back what was open.

A window is open by the time of detection, so that what waited through an outage is merged as if it had been sent at
once: the dedup key holds "until event-id", until in ms of the worker's clock.

The keys of one step lie in several slots: a single server, not a Redis cluster.
"""

from __future__ import annotations

# KEYS: epoch, events, suppressed, then of each candidate: dedup, seen.
# ARGV: epoch that is known ('' at first), epoch to set, ms to remember a candidate for, then of each candidate:
# event id, detected at (ms), open until (ms), window (ms), event as JSON ('' puts back a window only), hits counted.
# Returns the epoch, then of each candidate one word and its value: p stream id, m "holder hits", r (put back);
# capital letters where it had been sent before.
PUBLISH = """
local epoch = redis.call('GET', KEYS[1])
if not epoch then
  epoch = ARGV[2]
  redis.call('SET', KEYS[1], epoch)
end
if ARGV[1] ~= '' and epoch ~= ARGV[1] then return {epoch} end
local out = {epoch}
for i = 0, (#KEYS - 5) / 2 do
  local dedup, seen, a = KEYS[4 + 2 * i], KEYS[5 + 2 * i], 4 + 6 * i
  local id, data = ARGV[a], ARGV[a + 4]
  if data == '' then
    redis.call('SET', dedup, ARGV[a + 2] .. ' ' .. id, 'PX', ARGV[a + 3], 'NX')
    if tonumber(ARGV[a + 5]) > tonumber(redis.call('HGET', KEYS[3], id) or '0') then
      redis.call('HSET', KEYS[3], id, ARGV[a + 5])
    end
    out[i + 2] = 'r'
  else
    local known = redis.call('GET', seen)
    if known then
      if string.sub(known, 1, 1) == 'm' then
        known = known .. ' ' .. (redis.call('HGET', KEYS[3], string.sub(known, 3)) or '0')
      end
      out[i + 2] = string.upper(string.sub(known, 1, 1)) .. string.sub(known, 2)
    else
      local open, holder = false, redis.call('GET', dedup)
      if holder then
        local space = string.find(holder, ' ', 1, true)
        open = tonumber(ARGV[a + 1]) < tonumber(string.sub(holder, 1, space - 1))
        holder = string.sub(holder, space + 1)
      end
      if open then
        local hits = redis.call('HINCRBY', KEYS[3], holder, 1)
        redis.call('SET', seen, 'm ' .. holder, 'PX', ARGV[3])
        out[i + 2] = 'm ' .. holder .. ' ' .. hits
      else
        local entry = redis.call('XADD', KEYS[2], '*', 'type', 'event', 'data', data)
        redis.call('SET', dedup, ARGV[a + 2] .. ' ' .. id, 'PX', ARGV[a + 3])
        redis.call('SET', seen, 'p ' .. entry, 'PX', ARGV[3])
        out[i + 2] = 'p ' .. entry
      end
    end
  end
end
return out
"""

# KEYS: epoch, events, situations, then of each change its dedup key.
# ARGV: epoch that is known, then of each change: event id, dedup key without its prefix, open until (ms), hold for
# (ms; 0 closes the window), update as JSON ('' appends nothing), state as JSON ('' forgets it).
# Returns the epoch. A window that another event holds meanwhile is left alone.
TELL = """
local epoch = redis.call('GET', KEYS[1]) or ''
if epoch ~= ARGV[1] then return epoch end
for i = 0, #KEYS - 4 do
  local dedup, a = KEYS[4 + i], 2 + 6 * i
  local id, holder = ARGV[a], redis.call('GET', dedup)
  if not holder or string.sub(holder, string.find(holder, ' ', 1, true) + 1) == id then
    if ARGV[a + 3] == '0' then
      redis.call('DEL', dedup)
    else
      redis.call('SET', dedup, ARGV[a + 2] .. ' ' .. id, 'PX', ARGV[a + 3])
    end
    if ARGV[a + 5] == '' then
      redis.call('HDEL', KEYS[3], ARGV[a + 1])
    else
      redis.call('HSET', KEYS[3], ARGV[a + 1], ARGV[a + 5])
    end
  end
  if ARGV[a + 4] ~= '' then redis.call('XADD', KEYS[2], '*', 'type', 'update', 'data', ARGV[a + 4]) end
end
return epoch
"""

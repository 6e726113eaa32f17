-- Applies one transaction of one tag: checks everything, then writes everything.
--
-- KEYS  1: the tag's mark of deletions. Then, in the order of ARGV: each condition's key; each operation's key
--       (of an append: the start of the key), followed by its kind's index of names if it has a name.
-- ARGV  1: number of conditions, each then its version in 16 hexadecimal digits, or '' for absent.
--       Then the operations: 'p' ttl name body | 'd' name | 'a' ttl suffix body | 'i' ttl name by.
--       ttl in milliseconds, 0 for none; name '' for none.
-- Answers {1, version, count...}, {0, n} for the n-th condition, {-1, n} if the n-th counter is exhausted,
--       {-2, n} if it is no counter, {-3} if the user lacks a right.
--
-- A value is 16 hexadecimal digits of version, two octets of schema, the octets.

local MARK_MS = 600000
local COUNTER_MAX = 9007199254740991
local COUNTER_SCHEMA = struct.pack('>I2', 1)

local key_at, arg_at = 1, 1
local function next_key() key_at = key_at + 1; return KEYS[key_at] end
local function next_arg() arg_at = arg_at + 1; return ARGV[arg_at] end

for n = 1, tonumber(ARGV[1]) do
  local wanted = next_arg()
  if redis.call('GETRANGE', next_key(), 0, 15) ~= wanted then return {0, n} end
end

local time = redis.call('TIME')
local version = time[1] * 1000000 + time[2]
local function above(digits)
  if digits and #digits >= 16 then
    local found = tonumber(string.sub(digits, 1, 16), 16)
    if found and found >= version then version = found + 1 end
  end
end
above(redis.call('GET', KEYS[1]))

local operations, counters = {}, 0
while arg_at < #ARGV do
  local o = {code = next_arg(), key = next_key()}
  if o.code == 'd' then
    o.name = next_arg()
  elseif o.code == 'i' then
    o.ttl, o.name = tonumber(next_arg()), next_arg()
    local by, value = tonumber(next_arg()), redis.call('GET', o.key)
    counters = counters + 1
    o.count = by
    if value then
      if #value ~= 26 or string.sub(value, 17, 18) ~= COUNTER_SCHEMA then return {-2, counters} end
      o.kept = true
      o.count = struct.unpack('>I8', value, 19) + by
    end
    if o.count > COUNTER_MAX then return {-1, counters} end
  else
    o.ttl, o.name, o.body = tonumber(next_arg()), next_arg(), next_arg()
  end
  if o.name ~= '' then o.index = next_key() end
  if o.code == 'a' then
    above(redis.call('ZREVRANGE', o.index, 0, 0)[1])
  else
    above(redis.call('GETRANGE', o.key, 0, 15))
  end
  operations[#operations + 1] = o
end

-- A write that is refused in the middle would leave half a transaction, so the rights are asked for first.
local may = redis.acl_check_cmd
if not may('SET', KEYS[1], '') then return {-3} end
for _, o in ipairs(operations) do
  local key, index = o.key, o.index
  if not (may('SET', key, '') and may('DEL', key) and may('PTTL', key)) then return {-3} end
  if index and not (may('ZADD', index, 0, '') and may('ZREM', index, '') and may('EXISTS', index)
      and may('PEXPIRE', index, 1) and may('PERSIST', index)) then return {-3} end
end

version = string.format('%016x', version)

local function set(o, body)
  if o.kept then
    redis.call('SET', o.key, version .. body, 'KEEPTTL')
    o.ttl = math.max(redis.call('PTTL', o.key), 0)
  elseif o.ttl > 0 then
    redis.call('SET', o.key, version .. body, 'PX', o.ttl)
  else
    redis.call('SET', o.key, version .. body)
  end
  if o.index then
    -- The index of names lives at least as long as the longest of its values.
    local fresh = redis.call('EXISTS', o.index) == 0
    redis.call('ZADD', o.index, 0, o.name)
    if o.ttl == 0 then
      redis.call('PERSIST', o.index)
    elseif fresh then
      redis.call('PEXPIRE', o.index, o.ttl + 1000)
    else
      redis.call('PEXPIRE', o.index, o.ttl + 1000, 'GT')
    end
  end
end

local answer = {1, version}
local tag = string.sub(KEYS[1], 1, -3)
local deleted = false
for _, o in ipairs(operations) do
  if o.code == 'p' then
    set(o, o.body)
  elseif o.code == 'a' then
    o.name = version .. o.name
    o.key = o.key .. o.name
    set(o, o.body)
  elseif o.code == 'i' then
    set(o, COUNTER_SCHEMA .. struct.pack('>I8', o.count))
    answer[#answer + 1] = string.format('%.0f', o.count)
  else
    if redis.call('DEL', o.key) == 1 then deleted = true end
    if o.index then redis.call('ZREM', o.index, o.name) end
  end
end
for _, o in ipairs(operations) do
  -- A hint that the user may not give is left out.
  redis.pcall('PUBLISH', tag, o.key)
  redis.pcall('PUBLISH', string.gsub(o.key, '^([^:]+):{[^}]*}:([^:]+).*$', '%1:%2'), o.key)
end
-- What is written again gets a larger version, even if the clock is set back meanwhile.
if deleted then redis.call('SET', KEYS[1], version, 'PX', MARK_MS) end
return answer

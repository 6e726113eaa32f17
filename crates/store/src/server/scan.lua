-- Lists named values of one kind, and forgets names whose value has ended.
--
-- KEYS  1: the index of names. 2: the start of each value's key. 3: the heartbeat, or any missing key.
-- ARGV  1, 2: bounds as ZRANGEBYLEX has them. 3: how many names to look at.
-- Answers {heartbeat, last name if there may be more or '', name, value, name, value...}.

local names = redis.call('ZRANGEBYLEX', KEYS[1], ARGV[1], ARGV[2], 'LIMIT', 0, ARGV[3])
local answer = {redis.call('GET', KEYS[3]) or '', ''}
if #names == tonumber(ARGV[3]) then answer[2] = names[#names] end
for _, name in ipairs(names) do
  local value = redis.call('GET', KEYS[2] .. name)
  if value then
    answer[#answer + 1] = name
    answer[#answer + 1] = value
  else
    redis.call('ZREM', KEYS[1], name)
  end
end
return answer

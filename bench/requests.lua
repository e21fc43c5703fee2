-- Sends prepared requests in turn. Arguments: method, path, and the file of requests or '-'.
-- A line of the file is a header's name, its value and a body, parted by tabs; the body may be empty.

local prepared = {}
local sent = 0

local function split(line)
  return line:match('^(.-)\t(.-)\t(.*)$')
end

function init(args)
  local method, path, file = args[1], args[2], args[3]
  if file == '-' then
    prepared[1] = wrk.format(method, path)
    return
  end
  for line in io.lines(file) do
    local name, value, body = split(line)
    local headers = { [name] = value }
    if body == '' then
      body = nil
    else
      headers['Content-Type'] = 'application/json'
    end
    prepared[#prepared + 1] = wrk.format(method, path, headers, body)
  end
end

function request()
  sent = sent + 1
  return prepared[sent % #prepared + 1]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    'RESULT {"requests":%d,"microseconds":%d,"failed":%d,"p50Ms":%.2f,"p99Ms":%.2f}\n',
    summary.requests, summary.duration,
    errors.connect + errors.read + errors.write + errors.timeout + errors.status,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end

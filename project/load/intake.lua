-- For wrk: POSTs of one body, each request under an Idempotency-Key of its own. Arguments: key of the API, file of the
-- body, beginning of the idempotency keys, status that is expected.
local sent, wrong = 0, 0

function init(args)
  api_key, begins, expected = args[1], args[3], tonumber(args[4])
  local file = assert(io.open(args[2], "rb"))
  wrk.method, wrk.body = "POST", file:read("*a")
  file:close()
  wrk.headers["Content-Type"] = "application/json"
  wrk.headers["Authorization"] = "Bearer " .. api_key
end

function request()
  sent = sent + 1
  wrk.headers["Idempotency-Key"] = begins .. "-" .. sent
  return wrk.format()
end

function response(status, headers, body)
  if status ~= expected then
    wrong = wrong + 1
    if wrong == 1 then io.stderr:write(status .. " " .. body .. "\n") end
  end
end

function done(summary, latency, requests)
  local errors = summary.errors
  print(string.format(
    '{"requests": %d, "seconds": %f, "p50_ms": %f, "p99_ms": %f, "failures": %d}', summary.requests,
    summary.duration / 1e6, latency:percentile(50) / 1000, latency:percentile(99) / 1000,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end

# From k6's samples, one metric a line, to one line a request.

function emit(at_s, time_ms, success, code,    message) {
    # k6 writes down when a request ended, in seconds.
    message = column["error"] ? sample[column["error"]] : ""
    printf "%.0f,%s,%s,%s,%s,%s,%s,%s\n", at_s * 1000 - time_ms, time_ms, success, users, \
        tag("method"), tag("name"), success == "true" ? "" : code, \
        success == "true" ? "" : plain(message)
}

function tag(name) {
    return column[name] ? plain(sample[column[name]]) : ""
}

BEGIN { print "timeStamp,elapsed,success,allThreads,method,label,responseCode,responseMessage" }

/^metric_name,timestamp,metric_value,/ {
    n = fields($0, names)
    for (i = 1; i <= n; i++) column[names[i]] = i
    next
}
/^vus,/ {
    split($0, sample, ",")
    users = int(sample[3])
    fflush()
    next
}
/^http_req_duration,/ {
    fields($0, sample)
    expected = sample[column["expected_response"]] == "true"
    # A script may leave that tag out; then the status decides, as it does unless k6 is told more.
    if (!column["expected_response"]) {
        status = sample[column["status"]] + 0
        expected = status >= 200 && status < 400
    }
    emit(sample[2], sample[3], expected ? "true" : "false", tag("status") + 0 ? tag("status") : "")
    next
}
/^grpc_req_duration,/ {
    fields($0, sample)
    emit(sample[2], sample[3], tag("status") == "0" ? "true" : "false", "gRPC " tag("status"))
}

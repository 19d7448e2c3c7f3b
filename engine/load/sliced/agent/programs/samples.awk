# One step from samples to a report: reads `state`, in which all samples before are counted, and
# the new lines of the samples; writes `state.part`, and the report to standard output.
#
# Samples have the columns of JMeter's JTL files: timeStamp (milliseconds since 1970) and elapsed
# (milliseconds), success (true or false), and, where they are known, allThreads (users active then),
# label and method of the request, responseCode and responseMessage. With `detail` it also writes
# that file: see detail.awk.

function rounded(time_ms) {
    # As Locust counts: a histogram of a few hundred classes, whatever the load.
    if (time_ms < 100) return int(time_ms + 0.5)
    if (time_ms < 1000) return int(time_ms / 10 + 0.5) * 10
    if (time_ms < 10000) return int(time_ms / 100 + 0.5) * 100
    return int(time_ms / 1000 + 0.5) * 1000
}

function read_header(line,    n, names, i) {
    sub(/^\357\273\277/, "", line)
    n = fields(line, names)
    for (i = 1; i <= n; i++) column[names[i]] = i
    if (column["timeStamp"] && column["elapsed"] && column["success"]) return
    print "the first line of its samples does not name the columns timeStamp,elapsed,success" \
        > "/dev/stderr"
    exit failed = 2
}

function count(line,    f, at_ms, time_ms, success, at_s, users) {
    fields(line, f)
    at_ms = f[column["timeStamp"]]
    time_ms = f[column["elapsed"]]
    success = tolower(f[column["success"]])
    at_s = int(at_ms / 1000) - start_s
    if (at_ms !~ NUMBER || time_ms !~ NUMBER || success !~ /^(true|false|1|0)$/ \
        || at_s < -60 || at_s > duration_s + 600) {
        unreadable++
        return
    }
    requests++
    if (success == "false" || success == "0") failures++
    time_ms = rounded(time_ms + 0)
    times[time_ms]++
    note(f, int((at_ms + f[column["elapsed"]]) / 1000) - start_s, time_ms, success)
    if (at_s < 0) at_s = 0
    users = column["allThreads"] ? f[column["allThreads"]] : ""
    if (users ~ /^[0-9]+$/ && (!(at_s in active) || users + 0 > active[at_s])) active[at_s] = users + 0
}

function pairs_of_users(    at_s, last_s, text, before) {
    for (at_s in active) if (at_s + 0 > last_s) last_s = at_s + 0
    before = -1
    for (at_s = 0; at_s <= last_s; at_s++) {
        if (!(at_s in active) || active[at_s] == before) continue
        before = active[at_s]
        text = text (text ? ", " : "") "[" at_s ", " before "]"
    }
    return "[" text "]"
}

function pairs_of_times(    time_ms, text) {
    for (time_ms in times) text = text (text ? ", " : "") "[" time_ms ", " times[time_ms] "]"
    return "[" text "]"
}

BEGIN { NUMBER = "^[0-9]+([.][0-9]+)?$" }

FILENAME == "state" && $1 == "column" { column[$2] = $3 }
FILENAME == "state" && $1 == "total" { requests = $2; failures = $3; unreadable = $4; before_s = $5 }
FILENAME == "state" && $1 == "time" { times[$2] = $3 }
FILENAME == "state" && $1 == "users" { active[$2] = $3 }
FILENAME == "state" && $1 == "detail" { read_detail($0) }
FILENAME == "state" { before = requests; next }

/^[ \t\r]*$/ { next }
!column["elapsed"] { read_header($0); next }
{ count($0) }

END {
    if (failed) exit failed
    print "offset", sprintf("%.0f", offset) > "state.part"
    for (name in column) if (column[name]) print "column", name, column[name] > "state.part"
    print "total", requests + 0, failures + 0, unreadable + 0, now_s > "state.part"
    for (time_ms in times) print "time", time_ms, times[time_ms] > "state.part"
    for (at_s in active) print "users", at_s, active[at_s] > "state.part"
    keep_detail("state.part")
    if (detail) write_detail(detail)
    load_s = now_s > start_s ? now_s - start_s : 0
    rate = !ended && before_s && now_s > before_s ? (requests - before) / (now_s - before_s) : 0
    printf "{\"part\": 0, \"parts\": 1, \"ended\": %s, ", ended ? "\"" ended "\"" : "null"
    printf "\"message\": %s, ", json_text(ENVIRON["WHY"])
    printf "\"late_s\": %d, \"load_s\": %d, ", began_s - start_s, load_s
    printf "\"users\": %s, \"users_known\": %s, ", pairs_of_users(), \
        column["elapsed"] && !column["allThreads"] ? "false" : "true"
    printf "\"requests\": %d, \"failures\": %d, \"unreadable\": %d, ", requests, failures, unreadable
    printf "\"requests_per_s\": %.1f, ", rate
    printf "\"response_times_ms\": %s, \"cpu_percent_max\": null}\n", pairs_of_times()
}

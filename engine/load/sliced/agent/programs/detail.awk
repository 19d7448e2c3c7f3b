# What needs more room than a report: requests by name, why they failed, and a series over time. All
# of it is bounded: names and reasons beyond a number are counted together, windows grow wider.

function value(f, name) {
    return column[name] ? plain(f[column[name]]) : ""
}

# One sample: its fields, the second at which it ended, how long it took, and whether it succeeded.
function note(f, end_s, time_ms, success,    name, number, code, failed) {
    failed = success == "false" || success == "0"
    name = value(f, "method") "\t" value(f, "label")
    if (!(name in number_of) && names >= 200) name = "\tother"
    if (!(name in number_of)) {
        number_of[name] = ++names
        name_of[names] = name
    }
    number = number_of[name]
    named[number]++
    if (failed) named_failed[number]++
    named_times[number, time_ms]++
    if (end_s < 0) end_s = 0
    if (!window_s) window_s = 1
    note_window(int(end_s / window_s), 1, failed, time_ms)
    if (!failed) return
    code = value(f, "responseCode") "\t" value(f, "responseMessage")
    if (!(code in coded) && codes >= 40) code = "other\t"
    if (!(code in coded)) {
        codes++
        first_named[code] = value(f, "label")
    }
    coded[code]++
}

function note_window(number, count, failed, time_ms) {
    if (!(number in window)) windows++
    window[number] += count
    window_failed[number] += failed
    window_times[number, time_ms] += count
    while (windows > 240) widen()
}

function widen(    number, key, part, count, failed, times) {
    for (number in window) {
        count[int(number / 2)] += window[number]
        failed[int(number / 2)] += window_failed[number]
    }
    for (key in window_times) {
        split(key, part, SUBSEP)
        times[int(part[1] / 2), part[2]] += window_times[key]
    }
    split("", window); split("", window_failed); split("", window_times)
    windows = 0
    for (number in count) {
        windows++
        window[number] = count[number]
        window_failed[number] = failed[number]
    }
    for (key in times) window_times[key] = times[key]
    window_s *= 2
}

function keep_detail(file,    number, key, part) {
    print "detail\twidth\t" window_s + 0 > file
    for (number = 1; number <= names; number++)
        print "detail\tname\t" number "\t" named[number] "\t" named_failed[number] + 0 "\t" \
            name_of[number] > file
    for (key in named_times) {
        split(key, part, SUBSEP)
        print "detail\ttime\t" part[1] "\t" part[2] "\t" named_times[key] > file
    }
    for (key in coded) print "detail\tcode\t" coded[key] "\t" first_named[key] "\t" key > file
    for (number in window)
        print "detail\twindow\t" number "\t" window[number] "\t" window_failed[number] + 0 > file
    for (key in window_times) {
        split(key, part, SUBSEP)
        print "detail\tin\t" part[1] "\t" part[2] "\t" window_times[key] > file
    }
}

function read_detail(line,    f) {
    split(line, f, "\t")
    if (f[2] == "width") window_s = f[3]
    else if (f[2] == "name") {
        names++
        named[f[3]] = f[4]
        named_failed[f[3]] = f[5]
        name_of[f[3]] = f[6] "\t" f[7]
        number_of[name_of[f[3]]] = f[3]
    } else if (f[2] == "time") named_times[f[3], f[4]] = f[5]
    else if (f[2] == "code") {
        codes++
        coded[f[5] "\t" f[6]] = f[3]
        first_named[f[5] "\t" f[6]] = f[4]
    } else if (f[2] == "window") {
        windows++
        window[f[3]] = f[4]
        window_failed[f[3]] = f[5]
    } else if (f[2] == "in") window_times[f[3], f[4]] = f[5]
}

function json_text(text) {
    gsub(/[\\"]/, "\\\\&", text)
    return "\"" text "\""
}

function listed(list, item) {
    return list (list ? ", " : "") item
}

# In the form of engine/load/sliced/details.py. Samples are of requests that ended, so how many were
# begun is not known. Long texts are printed, not formatted: for that an old awk has little room.
function write_detail(file,    key, part, number, times, items) {
    print "{\"tally\": {\"begun\": null, \"cut_off\": null, \"longest_wait_ms\": null," > file
    print "\"kinds\": [], \"samples\": [], \"window_s\": " (window_s ? window_s : 1) "," > file
    for (key in coded) {
        split(key, part, "\t")
        items = listed(items, "[" json_text(first_named[key]) ", " json_text(part[1]) ", " \
            json_text(part[2]) ", " coded[key] "]")
    }
    print "\"codes\": [" items "]," > file
    items = ""
    for (key in window_times) {
        split(key, part, SUBSEP)
        times[part[1]] = listed(times[part[1]], "[" part[2] ", " window_times[key] "]")
    }
    for (number in window)
        items = listed(items, "[" number ", " window[number] ", " window_failed[number] + 0 ", [" \
            times[number] "]]")
    print "\"windows\": [" items "]}," > file
    items = ""
    split("", times)
    for (key in named_times) {
        split(key, part, SUBSEP)
        times[part[1]] = listed(times[part[1]], "[" part[2] ", " named_times[key] "]")
    }
    for (number = 1; number <= names; number++) {
        split(name_of[number], part, "\t")
        items = listed(items, "{\"method\": " json_text(part[1]) ", \"name\": " json_text(part[2]) \
            ", \"requests\": " named[number] ", \"failures\": " named_failed[number] + 0 \
            ", \"response_times_ms\": [" times[number] "]}")
    }
    print "\"names\": [" items "]}" > file
    close(file)
}

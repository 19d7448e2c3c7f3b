# What this machine used so far, from /proc: processor time and all there was of it, in ticks, then
# memory used and all there is of it, in bytes.
#
# With `root` the machine is a process of a larger computer: it used what that process and all that
# it started used, of `cores` processors.

function first_number(file,    line, parts) {
    if ((getline line < file) <= 0) return 0
    close(file)
    split(line, parts, " ")
    return parts[1] + 0
}

function machine_ticks(    line, n, parts, i) {
    getline line < "/proc/stat"
    n = split(line, parts, " ")
    # user nice system idle iowait irq softirq steal; guests are counted within user.
    for (i = 2; i <= n && i <= 9; i++) ticks += parts[i]
    # What the host gave to others was not there to be used, so it counts as used.
    busy = ticks - parts[5] - parts[6]
}

function process_ticks(    i, file, line, parts, pid, n, more) {
    for (i = 1; i < ARGC; i++) {
        file = ARGV[i]
        if ((getline line < file) <= 0) continue
        close(file)
        pid = line + 0
        # The name of the program stands in parentheses, and may hold anything.
        sub(/^.*\) /, "", line)
        split(line, parts, " ")
        parent[pid] = parts[2]
        used[pid] = parts[12] + parts[13] + parts[14] + parts[15]
        pages[pid] = parts[22]
    }
    mine[root] = 1
    more = 1
    while (more) {
        more = 0
        for (pid in parent) {
            if (!(pid in mine) && (parent[pid] in mine)) {
                mine[pid] = 1
                more = 1
            }
        }
    }
    for (pid in mine) {
        busy += used[pid]
        memory += pages[pid] * page_bytes
    }
    ticks = first_number("/proc/uptime") * ticks_per_s * cores
}

BEGIN {
    while ((getline line < "/proc/meminfo") > 0) {
        split(line, parts, " ")
        kib[parts[1]] = parts[2]
    }
    memory_bytes = kib["MemTotal:"] * 1024
    if (root) process_ticks()
    else {
        machine_ticks()
        memory = memory_bytes - kib["MemAvailable:"] * 1024
    }
    printf "%.0f %.0f %.0f %.0f\n", busy, ticks, memory, memory_bytes
}

# From the records of Gatling's log to one line a request. Older logs have the number of the user
# before or after the name, so fields are counted from where all agree.

BEGIN { FS = "\t" }

$1 == "USER" && ($3 == "START" || $4 == "START") { users++ }
$1 == "USER" && ($3 == "END" || $4 == "END") { users-- }
$1 == "REQUEST" {
    # ... start, end, OK or KO, message: the last four.
    ok = $(NF - 1) == "OK"
    printf "%s,%d,%s,%d,%s,%s\n", $(NF - 3), $(NF - 2) - $(NF - 3), ok ? "true" : "false", users, \
        plain($(NF - 4)), ok ? "" : plain($NF)
}

END { print users + 0 > "users.part" }

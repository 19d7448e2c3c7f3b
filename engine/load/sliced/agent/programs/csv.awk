# fields(LINE, F): the fields of a line of comma-separated values, quoted or not, from 1.
function fields(line, f,    n, at, c, quoted, field) {
    sub(/\r$/, "", line)
    if (index(line, "\"") == 0) return split(line, f, ",")
    split("", f)
    for (at = 1; at <= length(line); at++) {
        c = substr(line, at, 1)
        if (c == "\"") {
            # A quote within quotes is written twice.
            if (quoted && substr(line, at + 1, 1) == "\"") {
                field = field c
                at++
            } else quoted = !quoted
        } else if (c == "," && !quoted) {
            f[++n] = field
            field = ""
        } else field = field c
    }
    f[++n] = field
    return n
}

# plain(TEXT): the beginning of a text, without what has a meaning between commas or to a terminal.
function plain(text) {
    text = substr(text, 1, 200)
    gsub(/[",\001-\037\177]/, " ", text)
    return text
}

"""What people do at a terminal by habit, against runs: ``make habits``.

    python -m tests.habits --sessions 200 --seed 7

Each session has a home with a database of its own and an account on some plan, and says
``loadmuster run``: here, on a rehearsed AWS or on a rehearsed Azure; in a terminal, into a pipe
that closes early, with its streams closed or full. Then come the habits that its seed draws, at
instants of the run's life: the terminal is closed, the command is suspended, its window becomes
tiny, it gets Ctrl-C once or twice, SIGTERM or SIGKILL, the same is said again in a second shell,
somebody looks or changes something under the wrong clock, the disk fills up.

Then whoever should finish what is open does it: ``serve``, ``cancel``, or the same command again.
No machine and no process may be left, the books must be right, the exit codes those of the
contract, and no output may hold a traceback.

    sessions   what is drawn from the seed
    shell      the process between a terminal and a command, as a shell is
    terminals  a command in a terminal, and what people do to it
    ground     the cloud, the shop, and the homes of sessions
    playing    sessions side by side, from their first command to their end
    second_shells  what is said in them meanwhile
    checks     what must hold afterwards
    report     what happened, over all sessions
"""

"""Real processes killed at random instants: ``make kills``.

    python -m tests.kills --kills 200 --seed 7

Each run is begun by the command line in a process of its own, several side by side on one database,
SQLite or PostgreSQL, and on a rehearsed AWS that is one more process. A quarter of them start as a
user starts them; the others are forked from a process that has done the imports. SIGKILL
comes at a random instant of its life; a fifth of the instants lie in its start-up. Then the user
says it again under the same request id, and may be killed again, or ``loadmuster serve`` finishes
what is open, and is killed too. Some had Ctrl-C before.

Once nothing is open, no machine may be left in the cloud, and each run that is on record must have
ended once and be billed once. The instants are drawn from the seed, as parts of a life; how long
that is, is measured.

    plans     what is drawn from the seed
    commands  the command line in processes
    warm      what those have that are forked
    ground    the database, the cloud, and what is done on them
    victims   a process that is to be killed, and waiting for the instant
    killing   lives side by side, and who finishes what they leave
    checks    what must hold afterwards
    report    what happened, over all batches
"""

"""A seeded simulator: many accounts live for years, with faults, beside a model of their books.

    python -m tests.billing_simulator --seed 7 --accounts 500 --years 3
    python -m tests.billing_simulator --seed 7 --account 17        # one account again, alone

Each account has a random stream of its own, made of the seed and its number, and so a life of its
own: alone or among others it does the same and comes to the same books.

    months       billing days by plain date arithmetic, not the product's
    credits      the model's lots: what was granted, and what became of it
    debts        the model's money: what was collected, what runs owe, what was given back
    model        the model of one account: what its books should say
    commands     what can be asked of an account, and what the model expects of it
    runs         the commands of a run's life
    crashes      a process that dies before any statement, before COMMIT or after it
    wishes       what comes to a customer's mind next
    client       sends commands: again after a crash, twice, and under a used request id
    life         one account's timeline
    books        an account's books, read by SQL
    invariants   I1-I18 over a whole database, by SQL
    simulation   accounts side by side in database files, and the report
"""

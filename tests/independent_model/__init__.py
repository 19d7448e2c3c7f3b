"""The product held against a second model of the rules, which shares no code with it.

``model`` was written from the text of the rules and decisions. ``product`` asks the same of the
product, by its Python API: what an account wants goes through the rooms of ``Engine``, and a run
through acceptance and controller, on a simulated cloud. ``lives`` draws random lives, ``playing``
plays one on both sides and compares balances, lots, periods, charges, invoices, departments and
refusals after each step, and ``shrinking`` leaves out of a story what its difference does not need.

``make audit`` plays 1,000 lives; ``python -m tests.independent_model --seed 7 --life 3`` one again.
Where the two sides differ the text decides which of them is wrong. Where the text says nothing, it
gets a sentence.
"""

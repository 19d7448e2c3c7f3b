"""What a load test needs, and what that costs: pure arithmetic, no input and no output.

    Scenario -> Requirement -> Fleet -> Estimate

``capacity`` says what one machine carries and what binds, ``requirement`` how many standard
injectors that makes, ``fleet`` which machines are cheapest, ``costs`` what they cost, ``offers``
what plans and services would bill; ``estimate`` joins them. ``staged`` is the same test with
injectors that come and go with its load, in ``shifts``. ``engine.sweeping`` is the same over
columns.
"""

"""What an account has bought, period by period, and what happens by itself as time passes.

``boundaries`` fixes the order of things when a period begins; ``changes`` keeps what was asked for
until then, and ``terms`` what was sold.
"""

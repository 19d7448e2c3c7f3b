"""A subscription's life: activated, renewed, changed, cancelled, and what each step may do.

``boundaries`` fixes the order of things when a period begins; ``terms`` keeps what was sold;
``plan_changes``, ``on_demand``, ``boosts``, ``cancellations`` and ``deletions`` are the commands.
"""

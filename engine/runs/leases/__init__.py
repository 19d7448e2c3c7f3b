"""Who drives a run: leases, and how controllers claim the runs that nobody drives."""

"""Where runs have machines: one module a cloud behind one contract, and their registry."""

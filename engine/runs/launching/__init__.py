"""How a run gets its machines: placements, launches, shortages, and where to turn then."""

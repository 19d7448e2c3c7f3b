"""Load in slices: injectors that share nothing, start together, and leave what they measured.

Controller and injectors meet in object storage only. An injector fetches the bundle, says that it
is ready, waits for the start file, plays its share of the load, and uploads reports as it goes.
The start file gives each injector its share, so that the load is divided among those that are
there.
"""

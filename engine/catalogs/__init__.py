"""Catalogues on this computer: which one is in use, and how a fresh one is made.

``providers`` asks the clouds, ``pricing.refreshing`` reads what they say, ``pricing.catalog`` keeps
the versions; here they meet.
"""

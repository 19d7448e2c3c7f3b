"""The books as the rules' text has them, written from that text alone.

Nothing in here imports the product, or anything but Python's own library: what two people wrote
apart from each other is seldom wrong in the same place. R numbers are those of ``docs/rules.md``, C
numbers those of ``docs/decisions``. Where both are silent, ``silent`` says what was taken.
"""

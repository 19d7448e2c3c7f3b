"""Machines: one adapter a cloud, and one for this computer, behind one contract.

``contract`` says what a provider does and what must hold when it is called twice, late or by
another process; ``errors`` has the five ways in which it fails. Nothing here knows money or load
tests, and a cloud's SDK is imported inside its adapter only.
"""

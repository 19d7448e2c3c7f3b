"""Damaged rows of the books, found and named."""

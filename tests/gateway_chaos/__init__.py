"""Seeded lives of accounts whose payment gateway, and whose processes, do their worst."""

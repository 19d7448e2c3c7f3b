"""The JSON documents that commands print: their shapes, their JSON Schemas, and how they are made.

The contract fixes the names that it shows; what is there beside them explains more. Money is
decimal US dollars as text, LI-minutes are integers, lengths of time seconds, days ISO 8601. Later
versions may have more fields.

A shape is a type that costs nothing until its schema is asked for; that a document keeps to it is
checked before it runs, and by tests against the schema.
"""

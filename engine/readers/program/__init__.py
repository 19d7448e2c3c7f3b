"""The program that puts a scenario's load on: how a file names it, its files, and their bundle."""

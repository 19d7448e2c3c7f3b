"""Accounts: opened, shown, brought up to date, and every command on their plan."""

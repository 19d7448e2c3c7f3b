"""Seller and customers: who is named on an invoice, and where each of them is taxed."""

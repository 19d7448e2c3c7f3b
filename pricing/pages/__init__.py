"""Invoices, credit notes and letters as they are sent: as HTML pages and as PDF."""

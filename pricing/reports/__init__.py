"""What the books say to people: usage of a cycle, advice on plans, invoices as pages."""

"""`python -m tests.burst`: 200 alerts in one second to one account, on the deployed local stack, and the ledger."""

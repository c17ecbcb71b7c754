"""`python -m tests.chaos`: the deployed local stack under random kills and broker faults, and the ledger after it."""

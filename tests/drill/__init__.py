"""`python -m tests.drill`: what goes wrong at a trader's desk, played on the deployed local stack, and what it did."""

"""Benchmarks: `python -m tests.bench` (README.md says what each figure means)."""

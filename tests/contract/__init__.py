"""The contract that every broker adapter keeps, checked from its samples."""

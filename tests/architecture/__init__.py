"""What must hold of the whole repository."""

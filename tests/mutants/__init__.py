"""Changes to the protocol that must not survive: each breaks one promise, and a test must notice."""

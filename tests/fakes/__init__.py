"""Stand-ins for the world behind the ports, held to the same contract suites as the real ones."""

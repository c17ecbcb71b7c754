"""Stand-ins for the world behind the ports: typed, exact, and held to the same contract suites as the real ones."""

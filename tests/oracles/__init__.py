"""The brokers' own clients as oracles: the same intent through theirs and through ours is the same on the wire."""

"""What a broker adapter is: its port, its profile, the values and errors that it speaks in."""

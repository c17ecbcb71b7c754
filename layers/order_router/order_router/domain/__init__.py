"""What an order is and may become: pure values and rules, no I/O and no clock of their own."""

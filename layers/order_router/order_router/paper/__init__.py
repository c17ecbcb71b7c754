"""The paper broker's own side: a simulated exchange with accounts, an order book, fills and funds."""

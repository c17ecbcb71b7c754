"""Brokers to trade against in tests: socket servers that keep an order book as the vendor's pages say."""

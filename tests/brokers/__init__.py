"""Every broker against its simulator, through a deployed local stack: `make brokers`."""

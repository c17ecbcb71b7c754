"""What channels of notices speak over HTTP: each builds its request and reads its answer over a `send`."""

"""The face of the stack: events in, answers out, one place that maps errors to HTTP."""

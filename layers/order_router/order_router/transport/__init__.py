"""The only room that opens a socket: requests out, answers in, and what a failure says about the request."""

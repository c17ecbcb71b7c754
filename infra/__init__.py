"""What runs around the router: the local stack and the operator's command."""

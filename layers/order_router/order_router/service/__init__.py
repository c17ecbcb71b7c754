"""What happens next: decisions over ports, with no AWS, no HTTP and no broker's name in them."""

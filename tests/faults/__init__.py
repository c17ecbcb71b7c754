"""What breaks between us and the world, played on purpose."""

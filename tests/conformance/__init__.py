"""What AWS documents, asked of the fakes, of moto and of MiniStack."""

"""The real template on a laptop: build, emulator, deploy, routes, seed."""

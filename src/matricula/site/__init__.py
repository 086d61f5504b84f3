"""Settings, routes and start-up checks of the one Django project."""

"""nginx's configuration, as others wrote it."""

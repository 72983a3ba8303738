"""Who logs in, and with what."""

"""A run: its lock on the host, its controller, its listeners, and its journal."""

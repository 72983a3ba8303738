"""A run: who has the host, who tells it what to do, who listens, and what is kept of it."""

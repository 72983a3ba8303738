"""Which host keys are believed."""

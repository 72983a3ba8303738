"""What the docs show is what happens."""

"""Hosts as a command sees them: one, several at a time, and the agent at the other end."""

"""What is said between this machine and an agent; nothing here does any I/O."""

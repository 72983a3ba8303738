"""The messages between the controller and an agent; nothing here does any I/O."""

"""What every command is made of: options, the selection of hosts, exit codes."""

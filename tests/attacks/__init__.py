"""What apps, packages, hosts, visitors and local users may try, and what comes of it."""

"""What Homeport knows of an app on the host, in addition to its resources."""

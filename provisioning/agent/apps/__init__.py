"""What Homeport knows of an app on the host, besides its resources."""

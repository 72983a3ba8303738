"""What `fab doctor` wants to know of a host: a file for each part; nothing is changed."""

"""root by way of sudo."""

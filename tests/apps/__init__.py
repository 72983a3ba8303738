"""`fab check --apps`: apps that others wrote, deployed with what `fab init` writes."""

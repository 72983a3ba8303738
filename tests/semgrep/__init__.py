"""Rules for semgrep, of Homeport's own: `fab check` runs them; each with good and bad lines."""

"""Bad input of every kind: what makes it, and the command that meets it."""

"""Features: what units have learned. What layers give for a picture, what maximizes a unit, and its best images."""

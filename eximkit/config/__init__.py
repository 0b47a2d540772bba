"""Reading configurations: octets to lines, statements, a model."""

"""What arrives on a broker, and what a configuration would say of it."""

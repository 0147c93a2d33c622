"""What the network must beat: one file a method, one protocol."""

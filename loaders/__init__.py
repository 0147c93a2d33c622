"""A shop's data -> clean records -> graph."""

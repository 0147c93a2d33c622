"""GraphQL over ASGI: recommendations, explanations and neighbours, updated by events as they arrive."""

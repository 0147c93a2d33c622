"""Neo4j's driver, and its errors, without what it brings along for nobody here."""

from graph.absent import absent

__all__ = ["exceptions", "neo4j"]

# For results as data frames and vectors from arrays, which nobody asks for here, the driver takes in pandas and pyarrow
# where they are installed: a third and a tenth of a second in every command.
with absent("pandas"), absent("pyarrow"):
    import neo4j
    from neo4j import exceptions

"""The property graph: everything that speaks Cypher lives here and nowhere else."""

"""The command line, and the only place where graph, loaders, gnn and api meet."""

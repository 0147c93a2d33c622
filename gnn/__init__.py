"""Snapshot -> heterogeneous graph attention network -> artefact -> ranking and explanation."""

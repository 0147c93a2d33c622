"""The protocol of measuring: origins, slices, metrics, intervals, tuning, report."""

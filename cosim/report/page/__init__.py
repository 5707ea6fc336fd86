"""The interactive page of a run or a study: one file, which needs no network."""

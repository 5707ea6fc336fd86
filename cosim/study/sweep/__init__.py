"""Many runs of one scenario: which points there are, who runs them, and the table that comes of them."""
